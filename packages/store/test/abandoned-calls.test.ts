import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { MongoServerError } from 'mongodb';
import { test } from 'tap';
import { openStore, type Store, StoreError } from '../src/index.ts';
import { ALL_ROWS, NOON, rowOf, testStore } from './support.ts';

const ROWS = 20_000;
const DAY_MS = 86_400_000;
/** So many that Mongo takes longer than for `SLOW_SUMS`: every row is compared with each of their ends. */
const RANGES = Array.from({ length: 1_000 }, (_, i) => ({ from: NOON - (i + 1) * DAY_MS, until: NOON + 1 }));

/** Keeps Mongo busy for a second or more. */
const SLOW_SUMS = Object.fromEntries(
  RANGES.slice(0, 50).flatMap(({ from, until }, i) => {
    const within = {
      $and: [{ $gte: ['$started_at', new Date(from)] }, { $lt: ['$started_at', new Date(until)] }],
    };
    return Array.from({ length: 4 }, (_, j) => [`sum${i}_${j}`, { $sum: { $cond: [within, 1, 0] } }]);
  }),
);

interface Operation {
  ns?: string;
  active?: boolean;
}

test('abandoned calls do not run on in Mongo', async (t) => {
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
    let now = await running();
    for (let looks = 0; now !== many && looks < 1_000; looks++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      now = await running();
    }
    return now;
  };

  await t.test('Mongo itself keeps the time limit of a sum, before the store’s ends', async (t) => {
    const vector = new Map([['0:0', ROWS]]);
    const thrown = await store.tallies
      .sumByDayAndPartition(['u-1'], vector, { timeoutMs: 1 })
      .catch((error) => error);
    t.type(thrown, StoreError);
    t.match(thrown, { code: 'STORE_TIMEOUT', retryable: true });
    t.type(thrown.cause, MongoServerError);
    t.equal(thrown.cause.code, 50, 'MaxTimeMSExpired');
    t.equal(
      (await store.tallies.sumByDayAndPartition(['u-1'], vector, { timeoutMs: 15_000 })).length > 0,
      true,
    );
  });

  await t.test('the store’s limit ends a call in Mongo, while a concurrent one goes on', async (t) => {
    const hasty = openStore({
      uri: address,
      database: db.databaseName,
      timeoutMs: 200,
      selectionTimeoutMs: 200,
    });
    t.teardown(() => hasty.close());
    // Connected, so that all of its time is Mongo's.
    for (let tries = 0; tries < 50; tries++) if (await isReached(hasty)) break;
    let isDone = false;
    const other = db
      .collection('calls')
      .aggregate([{ $group: { _id: null, ...SLOW_SUMS } }])
      .toArray()
      .finally(() => {
        isDone = true;
      });
    t.equal(await runs(1), 1);
    const thrown = await hasty.tallies.sumByRange('u-1', RANGES, ALL_ROWS).catch((error) => error);
    t.match(thrown, { code: 'STORE_TIMEOUT', retryable: true });
    t.equal(await runs(1), 1, 'one of the two runs on');
    t.equal(isDone, false, 'and that is the other one, which takes less time');
    t.equal((await other).length, 1);
    t.equal(await runs(0), 0);
  });

  await t.test('a call to a silent Mongo is not repeated when nobody waits any more', async (t) => {
    let asked = 0;
    let isSilent = false;
    const { hostname, port } = new URL(address);
    const proxy = createServer((client) => {
      const server = connect(Number(port), hostname);
      client.on('data', (bytes) => {
        if (bytes.includes('aggregate')) asked += 1;
        if (!isSilent) server.write(bytes);
      });
      server.on('data', (bytes) => client.write(bytes));
      client.on('error', () => {}).on('close', () => server.destroy());
      server.on('error', () => {}).on('close', () => client.destroy());
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    t.teardown(() => proxy.close());
    const hasty = openStore({
      uri: `mongodb://127.0.0.1:${(proxy.address() as AddressInfo).port}/?directConnection=true`,
      database: db.databaseName,
      timeoutMs: 500,
      selectionTimeoutMs: 5_000,
    });
    t.teardown(() => hasty.close());
    t.equal((await hasty.tallies.sumByRange('u-1', RANGES.slice(0, 1), ALL_ROWS)).length, 1);
    t.equal(asked, 1);
    isSilent = true;
    const thrown = await hasty.tallies
      .sumByRange('u-1', RANGES.slice(0, 1), ALL_ROWS)
      .catch((error) => error);
    t.match(thrown, { code: 'STORE_TIMEOUT', retryable: true });
    isSilent = false;
    // Long enough for the driver to find the server again.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    t.equal(asked, 2);
  });
});

function isReached(store: Store): Promise<boolean> {
  return store.ping().then(
    () => true,
    () => false,
  );
}
