import { isDeepStrictEqual } from 'node:util';
import { isId } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { type CallRow, rowId } from '../src/index.ts';
import { NOON, type StoreWorld, testStore } from './support.ts';

/** Ids at whose ends bytes and UTF-16 are ordered differently, and others. */
const ODD = ['\uFFFDx', '\uE000', '\u{10000}', '😀', 'a^b', '{x}%', '|', '~', '\u{10FFFF}'.repeat(256)];

/** A row as the version before has written it. */
const rowBefore = (callId: string, offset: number, partition = 0): CallRow => ({
  _id: callId,
  user_id: `${[...ODD[offset % ODD.length]!].slice(0, 4).join('')}-${offset % 7}`,
  started_at: new Date(NOON + offset * 1_000),
  day: 20_540,
  duration_ms: 1_000 + offset,
  source: { stream: 0, partition, offset },
  ...(offset % 3 === 0 && { agent_id: '' }),
});

const upgraded = (row: CallRow): CallRow => ({
  ...row,
  _id: rowId({ userId: row.user_id, callId: row._id }),
});

/** A database as the version before has left it. */
async function outdated(t: Parameters<typeof testStore>[0], rows: readonly CallRow[]) {
  const world = await testStore(t);
  const { db, store } = world;
  await db.collection('api_keys').dropIndexes();
  await db.collection('api_keys').createIndex({ hash: 1 }, { unique: true });
  await startBefore(world);
  for (let at = 0; at < rows.length; at += 3_000) await insert(world, rows.slice(at, at + 3_000));
  await store.progress.advanceStored(0, 0, rows.length - 1);
  return world;
}

async function insert({ db }: StoreWorld, rows: readonly CallRow[]) {
  await db.collection<CallRow>('calls').insertMany(rows, { ordered: false });
}

/** What ingest of the version before does in Mongo before it joins the group. */
async function startBefore({ db }: StoreWorld) {
  await db.collection('calls').createIndex({ user_id: 1, started_at: 1, duration_ms: 1 });
  await db
    .collection('api_keys')
    .createIndex({ revoked_at: 1 }, { partialFilterExpression: { revoked_at: { $exists: true } } });
}

const byId = (a: CallRow, b: CallRow) => (a._id < b._id ? -1 : 1);

async function rowsOf({ db }: StoreWorld): Promise<CallRow[]> {
  return (await db.collection<CallRow>('calls').find().toArray()).sort(byId);
}

async function exchange({ store }: StoreWorld) {
  return store.upgrade.exchange(await store.upgrade.copyRest());
}

test('every row is copied once with its new id, whatever its id and wherever the copy was left', async (t) => {
  const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter(isId);
  const ids = new Set([...ODD, ...fc.sample(id, 1_000)]);
  for (let i = 0; ids.size < 7_000; i++) ids.add(`\u{10FFFF}call-${i}`);
  const rows = [...ids].map((callId, offset) => rowBefore(callId, offset));
  const world = await outdated(t, rows);
  const { store, another } = world;
  t.ok(await store.upgrade.isNeeded());
  const seen: number[] = [];
  for (let runs = 0; runs < 3; runs++) {
    for await (const copied of another().upgrade.copy()) {
      seen.push(copied);
      // The first run is left before it has copied anything, the second one behind two pages.
      if (runs < 2 && copied === runs * 6_000) break;
    }
  }
  t.strictSame(seen, [0, 0, 3_000, 6_000, 6_000, 7_000]);
  await store.upgrade.keepOut();
  t.equal(await exchange(world), 'exchanged');
  // One by one: the difference of two long lists takes minutes.
  const expected = new Map(rows.map(upgraded).map((row) => [row._id, row]));
  const found = await rowsOf(world);
  t.equal(found.length, expected.size);
  for (const row of found)
    if (!isDeepStrictEqual(row, expected.get(row._id))) t.strictSame(row, expected.get(row._id));
  t.notOk(await store.upgrade.isNeeded());
  t.strictSame((await world.db.listCollections().toArray()).map(({ name }) => name).sort(), [
    'api_keys',
    'calls',
    'corrections',
    'erasures',
    'hook_receipts',
    'hooks',
    'progress',
  ]);
  t.match(await world.db.collection('calls').indexes(), [
    {},
    { key: { user_id: 1, started_at: 1, duration_ms: 1 } },
  ]);
  t.strictSame(await world.db.collection('progress').find().toArray(), [{ _id: '0:0', stored: 6_999 }]);
  await store.ensureIndexes();
});

test('rows that are counted while others are copied are not left out', async (t) => {
  const world = await outdated(t, [rowBefore('m', 0)]);
  const { store } = world;
  for await (const _ of store.upgrade.copy());
  // Before the last copied id, of the same partition; and of one that nothing was stored of.
  const late = [rowBefore('a', 1), rowBefore('b', 0, 3)];
  await insert(world, late);
  await store.progress.advanceStored(0, 0, 1);
  const stored = await store.upgrade.copyRest();
  await insert(world, [rowBefore('c', 2)]);
  await store.progress.advanceStored(0, 0, 2);
  t.equal(await store.upgrade.exchange(stored), 'counting');
  t.ok(await store.upgrade.isNeeded());
  t.equal(await exchange(world), 'exchanged');
  t.strictSame((await rowsOf(world)).map(({ source }) => [source.partition, source.offset]).sort(), [
    [0, 0],
    [0, 1],
    [0, 2],
    [3, 0],
  ]);
});

test('rows that were deleted or brought back meanwhile begin the copy anew', async (t) => {
  const world = await outdated(
    t,
    [0, 1, 2].map((i) => rowBefore(`c-${i}`, i)),
  );
  const { store, db } = world;
  const copyAll = async () => {
    for await (const _ of store.upgrade.copy());
  };
  await copyAll();
  await db.collection<CallRow>('calls').deleteOne({ _id: 'c-1' });
  t.equal(await exchange(world), 'different');
  await copyAll();
  // At or below what was stored when the copy began, as replay does it.
  await insert(world, [rowBefore('c-1', 1)]);
  t.equal(await exchange(world), 'different');
  await copyAll();
  t.equal(await exchange(world), 'exchanged');
  t.equal((await rowsOf(world)).length, 3);
});

test('a copy that an abandoned upgrade has left is thrown away', async (t) => {
  const world = await outdated(t, [rowBefore('c-0', 0)]);
  const { store, db } = world;
  for await (const _ of store.upgrade.copy());
  // A backup from before is put back.
  await db.collection<CallRow>('calls').deleteMany({});
  await insert(world, [rowBefore('c-1', 0)]);
  await store.upgrade.forget();
  for await (const _ of store.upgrade.copy());
  t.equal(await exchange(world), 'exchanged');
  t.strictSame(await rowsOf(world), [upgraded(rowBefore('c-1', 0))]);
});

test('readers see all rows at every moment', async (t) => {
  const world = await outdated(
    t,
    Array.from({ length: 4_000 }, (_, i) => rowBefore(`c-${i}`, i)),
  );
  const { store, another } = world;
  const reader = another();
  const [userId] = await store.users.sample(1);
  const read = async () =>
    (
      await reader.tallies.sumByRange(userId!, [{ from: 0, until: 8.64e15 }], {
        rows: undefined,
        corrections: undefined,
      })
    )[0];
  const expected = JSON.stringify(await read());
  const answers: string[] = [];
  let done = false;
  const reading = (async () => {
    while (!done) answers.push(JSON.stringify(await read()));
  })();
  for await (const _ of store.upgrade.copy());
  t.equal(await exchange(world), 'exchanged');
  for (const before = answers.length; answers.length < before + 5; ) await read();
  done = true;
  await reading;
  t.strictSame(new Set(answers), new Set([expected]));
});

test('ingest of the version before can start until it is kept out, and never on rows of this version', async (t) => {
  const world = await outdated(t, [rowBefore('c-0', 0)]);
  const { store } = world;
  await store.ensureIndexes();
  await t.resolves(startBefore(world), 'a newer API beside it changes nothing');
  await store.upgrade.keepOut();
  await t.rejects(startBefore(world), { code: 85, message: /rows of a later version: start its ingest/ });
  await store.upgrade.keepOut();
  await store.ensureIndexes();
  const fresh = await testStore(t);
  await t.rejects(startBefore(fresh), { code: 85 });
});

test('rows of the version before are refused, those of this one and none are not', async (t) => {
  const world = await outdated(t, [rowBefore('c-0', 0)]);
  await t.rejects(world.store.upgrade.requireDone(), { code: 'STORE_ROWS_OUTDATED', retryable: false });
  const fresh = await testStore(t);
  await fresh.store.upgrade.requireDone();
  await insert(fresh, [upgraded(rowBefore('c-0', 0))]);
  await fresh.store.upgrade.requireDone();
});
