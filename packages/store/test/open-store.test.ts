import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DAY_SLOTS } from '@calltally/domain';
import { startMongo } from '@calltally/stack';
import { type Test, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { openStore, type Store, StoreError } from '../src/index.ts';
import { ALL_ROWS, rowOf, testStore } from './support.ts';

test('indexes are created once, however many processes create them', async (t) => {
  const { store, db, another } = await testStore(t);
  await Promise.all([store, another(), another()].map((one) => one.ensureIndexes()));
  const keysOf = async (name: string) =>
    (await db.collection(name).listIndexes().toArray()).map(({ key, unique }) => ({
      ...key,
      ...(unique && { unique }),
    }));
  t.strictSame(await keysOf('calls'), [{ _id: 1 }, { user_id: 1, started_at: 1, duration_ms: 1 }]);
  t.strictSame(await keysOf('hooks'), [{ _id: 1 }, { 'definition.user.id': 1 }]);
  t.strictSame(await keysOf('api_keys'), [{ _id: 1 }, { hash: 1, unique: true }, { revoked_at: 1 }]);
});

test('the database is that of the settings', async (t) => {
  const { store, db } = await testStore(t);
  await store.progress.advanceStored(0, 0, 1);
  t.equal(await db.collection('progress').countDocuments(), 1);
});

test('a Mongo that is gone or hangs', async (t) => {
  const mongo = await ownMongo(t);
  const database = uniqueName('store');
  const open = () => {
    const settings = { uri: mongo.address, database, timeoutMs: 2_500, selectionTimeoutMs: 1_500 };
    const store = openStore(settings);
    t.teardown(() => store.close());
    return store;
  };
  const store = open();
  await store.ping();
  await store.ensureIndexes();
  const row = rowOf({ callId: 'c-1' });
  t.strictSame(await store.calls.insert([row]), [undefined]);

  await t.test('every call to a hanging Mongo ends with a retryable error', async (t) => {
    process.kill(mongo.pid!, 'SIGSTOP');
    try {
      for (const [name, error] of await failures(store)) {
        t.type(error, StoreError, name);
        t.match(error, { code: /^STORE_(TIMEOUT|UNAVAILABLE)$/, retryable: true }, name);
      }
    } finally {
      process.kill(mongo.pid!, 'SIGCONT');
    }
  });

  await t.test('every call to a stopped Mongo ends with a retryable error', async (t) => {
    await mongo.stop('SIGKILL');
    for (const [name, error] of await failures(store)) {
      t.type(error, StoreError, name);
      t.match(error, { code: /^STORE_(TIMEOUT|UNAVAILABLE)$/, retryable: true }, name);
    }
  });

  const late = open();
  await t.test('so does every call of a store that was opened meanwhile', async (t) => {
    for (const [name, error] of await failures(late)) {
      t.match(error, { code: /^STORE_(TIMEOUT|UNAVAILABLE)$/, retryable: true }, name);
    }
  });

  await t.test('both stores work when Mongo is back, with all acknowledged rows', async (t) => {
    await mongo.start();
    for (const one of [store, late]) {
      // The driver may have noted a refused connection just before.
      for (let tries = 0; tries < 50 && (await one.ping().catch(() => 'down')) === 'down'; tries++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      t.strictSame(await one.calls.insert([row]), [row]);
    }
  });

  await t.test('a store that is closed stays closed, connected before or not', async (t) => {
    const unused = open();
    await Promise.all([unused.close(), late.close()]);
    for (const one of [unused, late]) await t.rejects(one.ping(), { code: 'STORE_UNAVAILABLE' });
  });
});

/** What each public method rejects with. */
async function failures(store: Store): Promise<[string, unknown][]> {
  const calls: Record<string, () => Promise<unknown>> = {
    insert: () => store.calls.insert([rowOf({ callId: 'c-1' })]),
    sumByRange: () => store.tallies.sumByRange('u-1', [{ from: 0, until: 1 }], ALL_ROWS),
    sumBySlot: () => store.tallies.sumBySlot('u-1', [{ from: 0, until: 1 }], DAY_SLOTS, ALL_ROWS),
    sumByDayAndPartition: () => store.tallies.sumByDayAndPartition(['u-1'], new Map([['0:0', 1]])),
    startsBefore: () => store.tallies.startsBefore('u-1', 1),
    findCorrections: () => store.corrections.of(['u-1']),
    anyCorrection: () => store.corrections.any(),
    unmetNeeds: () => store.corrections.usersWithUnmetNeeds(['u-1'], new Map()),
    callsOf: () => store.users.callsOf('u-1'),
    advanceStored: () => store.progress.advanceStored(0, 0, 1),
    advanceAsOf: () => store.progress.advanceAsOf(0, [0], 1),
    storedThrough: () => store.progress.storedThrough(),
    asOf: () => store.progress.asOf(),
    currentStream: () => store.progress.currentStream(),
    create: () => store.apiKeys.create({ userId: 'u-1' }),
    findByHash: () => store.apiKeys.findByHash('0'),
    revoke: () => store.apiKeys.revoke('0'),
    revokedSince: () => store.apiKeys.revokedSince(new Date()),
    lastRevocation: () => store.apiKeys.lastRevocation(),
    list: () => store.apiKeys.list(),
    findHook: () => store.hooks.find('hook_0'),
    listHooks: () => store.hooks.list(),
    deleteHook: () => store.hooks.delete('hook_0'),
    firstReceipt: () => store.hookReceipts.firstReceipt('hook_0', 'c-1', new Date()),
    ensureIndexes: () => store.ensureIndexes(),
    ping: () => store.ping(),
  };
  return Promise.all(
    Object.entries(calls).map(
      async ([name, call]): Promise<[string, unknown]> => [
        name,
        await call().then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      ],
    ),
  );
}

/** A Mongo of its own, since it is stopped. */
async function ownMongo(t: Test) {
  const folder = await mkdtemp(join(tmpdir(), 'calltally-store-'));
  const mongo = await startMongo({ dataDir: join(folder, 'mongo') });
  t.teardown(async () => {
    await mongo.stop('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  return mongo;
}
