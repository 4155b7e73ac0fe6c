import { MongoServerError } from 'mongodb';
import { test } from 'tap';
import { openStore, StoreError } from '../src/index.ts';
import { NOON, rowOf, testStore } from './support.ts';

const ROWS = 20_000;
const DAY_MS = 86_400_000;
/** So many that Mongo takes seconds to add them up. */
const RANGES = Array.from({ length: 100 }, (_, i) => ({ from: NOON - (i + 1) * DAY_MS, until: NOON + 1 }));

interface Operation {
  ns?: string;
  active?: boolean;
}

test('what nobody waits for any more does not run on in Mongo', async (t) => {
  const { store, db, address } = await testStore(t);
  for (let first = 0; first < ROWS; first += 2_000) {
    await store.calls.insert(
      Array.from({ length: 2_000 }, (_, i) =>
        rowOf({ callId: `c-${first + i}`, startedAt: NOON - (first + i) * 1_000 }, { offset: first + i }),
      ),
    );
  }
  const running = async () => {
    const { inprog } = await db.client.db('admin').command({ currentOp: 1 });
    const ns = `${db.databaseName}.calls`;
    return (inprog as Operation[]).filter((one) => one.active === true && one.ns === ns).length;
  };
  const runs = async (many: number) => {
    for (;;) {
      const now = await running();
      if (now === many) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  await t.test('a time limit of one sum is Mongo’s own, and comes before the store’s', async (t) => {
    const cut = new Map([['0:0', ROWS]]);
    const thrown = await store.tallies.byDay(['u-1'], cut, { timeoutMs: 1 }).catch((error) => error);
    t.type(thrown, StoreError);
    t.match(thrown, { code: 'STORE_TIMEOUT', retryable: true });
    t.type(thrown.cause, MongoServerError);
    t.equal(thrown.cause.code, 50, 'MaxTimeMSExpired');
    t.equal((await store.tallies.byDay(['u-1'], cut, { timeoutMs: 15_000 })).length > 0, true);
  });

  await t.test(
    'the limit of every call ends it there, while another one that began with it goes on',
    async (t) => {
      const hasty = openStore({
        uri: address,
        database: db.databaseName,
        timeoutMs: 400,
        selectionTimeoutMs: 400,
      });
      t.teardown(() => hasty.close());
      let isDone = false;
      const other = store.tallies.ofRanges('u-1', RANGES.slice(0, RANGES.length / 2)).then((sums) => {
        isDone = true;
        return sums;
      });
      await runs(1);
      const thrown = await hasty.tallies.ofRanges('u-1', RANGES).catch((error) => error);
      t.match(thrown, { code: 'STORE_TIMEOUT', retryable: true });
      await runs(1);
      // That one has half as much to do: if both had gone on, it would have been done first.
      t.equal(isDone, false, 'it is the other one that still runs');
      t.equal((await other)[0]!.calls, ROWS);
      await runs(0);
    },
  );
});
