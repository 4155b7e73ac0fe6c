import { test } from 'tap';
import { partitionId } from '../src/index.ts';
import { NOON, testStore } from './support.ts';

test('progress', async (t) => {
  const { store, db, another } = await testStore(t);
  const { progress } = store;
  const setStream = (current: number) =>
    db
      .collection<{ _id: string; current: number }>('progress')
      .updateOne({ _id: 'stream' }, { $set: { current } }, { upsert: true });

  await t.test('at first nothing is stored, there is no as-of, and the topic epoch is 0', async (t) => {
    t.strictSame(await progress.storedThrough(), new Map());
    t.equal(await progress.asOf(), undefined);
    t.equal(await progress.currentStream(), 0);
  });

  await t.test('stored only grows, for each partition and topic epoch by itself', async (t) => {
    await progress.advanceStored(0, 0, 5);
    await progress.advanceStored(0, 0, 3);
    await progress.advanceStored(0, 1, 7);
    await progress.advanceStored(1, 0, 2);
    await progress.advanceStored(0, 0, 6);
    t.strictSame(
      await progress.storedThrough(),
      new Map([
        ['0:0', 6],
        ['0:1', 7],
        ['1:0', 2],
      ]),
    );
    t.equal(partitionId(1, 0), '1:0');
  });

  await t.test('many writers advance new partitions at once, and the highest offset stands', async (t) => {
    const stores = Array.from({ length: 8 }, another);
    for (let partition = 100; partition < 110; partition++) {
      await Promise.all(stores.map((one, i) => one.progress.advanceStored(0, partition, (i * 5) % 8)));
    }
    const stored = await progress.storedThrough();
    for (let partition = 100; partition < 110; partition++) t.equal(stored.get(partitionId(0, partition)), 7);
  });

  await t.test('many writers advance as-of of new partitions at once', async (t) => {
    const stores = Array.from({ length: 8 }, another);
    await setStream(5);
    for (let round = 0; round < 6; round++) {
      const partitions = Array.from({ length: 12 }, (_, i) => round * 12 + i);
      await Promise.all(
        stores.map((one, i) =>
          one.progress.advanceAsOf(5, i % 2 === 0 ? partitions : partitions.toReversed(), NOON + i),
        ),
      );
      t.equal(await progress.asOf(), NOON + 7);
    }
  });

  await t.test(
    'as-of is the least of all partitions of the current topic epoch, and none while one has none',
    async (t) => {
      await setStream(2);
      await progress.advanceAsOf(2, [0, 1], NOON);
      t.equal(await progress.asOf(), NOON);
      await progress.advanceStored(2, 2, 10);
      t.equal(await progress.asOf(), undefined, 'partition 2 is stored and has no as-of');
      await progress.advanceAsOf(2, [2, 0], NOON + 50);
      t.equal(await progress.asOf(), NOON);
      await progress.advanceAsOf(2, [1], NOON + 40);
      await progress.advanceAsOf(2, [1], NOON + 30);
      t.equal(await progress.asOf(), NOON + 40, 'never lowered');
      await progress.advanceAsOf(2, [], NOON + 99);
      await progress.advanceAsOf(20, [0], NOON - 1000);
      t.equal(await progress.asOf(), NOON + 40, 'other topic epochs do not count');
      t.strictSame([...(await progress.asOfByPartition(2))].sort(), [
        [0, NOON + 50],
        [1, NOON + 40],
        [2, NOON + 50],
      ]);
      t.equal(await progress.currentStream(), 2);
    },
  );

  await t.test('concurrent calls begin one topic epoch after the previous one', async (t) => {
    const fresh = await testStore(t);
    const stores = Array.from({ length: 6 }, fresh.another);
    for (const previous of [0, 1, 2]) {
      const begun = await Promise.all(stores.map((one) => one.progress.beginStream(previous)));
      t.strictSame(new Set(begun), new Set([previous + 1]));
    }
    t.equal(await fresh.store.progress.beginStream(0), 3, 'a late call gets the current one');
    await fresh.store.progress.advanceStored(3, 1, 8);
    await fresh.store.progress.registerPartitions(3, [0]);
    t.strictSame(await fresh.store.progress.streamAndStored(), {
      stream: 3,
      stored: new Map([['3:1', 8]]),
      isTold: false,
    });
    await fresh.store.progress.advanceStored(3, 12, 9);
    await fresh.store.progress.advanceStored(2, 1, 7);
    t.strictSame(
      await fresh.store.progress.streamAndStored(2, [0, 1]),
      { stream: 3, stored: new Map([['2:1', 7]]), isTold: false },
      'of some partitions',
    );
    await fresh.store.erasures.tellPartitions();
    t.equal((await fresh.store.progress.streamAndStored()).isTold, true);
  });

  await t.test('stored is raised only while the partition was told of the same erasures', async (t) => {
    const { store } = await testStore(t);
    const raise = (partition: number, offset: number, erasures?: number) =>
      store.progress.advanceStored(0, partition, offset, erasures);
    const stored = async () => Object.fromEntries(await store.progress.storedThrough());
    t.equal(await raise(0, 4, 0), false, 'without a row');
    await store.progress.registerPartitions(0, [0, 1]);
    t.equal(await raise(0, 4, 0), false, 'a row that was told nothing');
    t.same(await stored(), {});
    await store.erasures.tellPartitions();
    t.equal(await raise(0, 4, 0), true);
    t.equal(await raise(0, 3, 0), true, 'never lowered');
    t.same(await stored(), { '0:0': 4 });
    const erasure = await store.erasures.begin('u');
    const known = await store.erasures.refresh();
    t.ok(known > 0);
    t.same(await Promise.all([raise(0, 5, 0), raise(1, 5, 0)]), [false, false], 'whoever does not know');
    t.same(await stored(), { '0:0': 4 });
    t.same(await Promise.all([raise(0, 5, known), raise(1, 5, known)]), [true, true]);
    t.same(await stored(), { '0:0': 5, '0:1': 5 });
    t.same(
      await Promise.all([raise(0, 6, known), raise(1, 6, known - 1)]),
      [false, false],
      'in one command, nobody learns which row it was',
    );
    t.same(await stored(), { '0:0': 6, '0:1': 5 });
    // Writers who know of the erasure read what has become of it, so nobody need be told of its end.
    await store.erasures.close(erasure);
    t.equal((await store.progress.streamAndStored(0, [0, 1])).isTold, false);
    await store.erasures.tellPartitions();
    t.equal((await store.progress.streamAndStored(0, [0, 1])).isTold, true);
    t.equal(await raise(0, 7, known), false);
  });
});
