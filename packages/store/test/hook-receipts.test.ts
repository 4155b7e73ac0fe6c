import { test } from 'tap';
import { testStore } from './support.ts';

test('the first receipt of a call counts, whoever asks and however many at once', async (t) => {
  const { store, db, another } = await testStore(t);
  // Of today: Mongo may delete older ones at any moment.
  const begunMs = Date.now();
  const at = (ms: number) => new Date(begunMs + ms);
  const first = await store.hookReceipts.firstReceipt('hook_1', 'c-1', at(1_000));
  t.strictSame(first, at(1_000));
  t.strictSame(await another().hookReceipts.firstReceipt('hook_1', 'c-1', at(999)), first);
  t.strictSame(await store.hookReceipts.firstReceipt('hook_1', 'c-2', at(5)), at(5));
  t.strictSame(await store.hookReceipts.firstReceipt('hook_2', 'c-1', at(6)), at(6));

  const others = Array.from({ length: 6 }, another);
  for (let round = 0; round < 10; round++) {
    const receipts = others.map(({ hookReceipts }, i) =>
      hookReceipts.firstReceipt('hook_1', `at once ${round}`, at(2_000 + i)),
    );
    t.equal(new Set((await Promise.all(receipts)).map(Number)).size, 1);
  }

  const indexes = await db.collection('hook_receipts').listIndexes().toArray();
  t.match(indexes, [{}, { key: { received_at: 1 }, expireAfterSeconds: 604_800 }]);
});
