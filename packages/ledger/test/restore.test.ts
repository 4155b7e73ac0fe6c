import { forgetUsers } from '@calltally/counters';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { fillUntilComplete, recordBatch, restoreBatch } from '../src/index.ts';
import { batchOf, bothFilled, bothOf, callOf, callsIn, testWorld, type World } from './support.ts';

/** As left by a consumer that was killed between `stored` and apply. */
async function storeOnly({ store }: World, batch: ReturnType<typeof batchOf>): Promise<void> {
  const { calls, progress } = store;
  await calls.insert(
    batch.events.map(({ offset, call }) => toRow(call, { stream: 0, partition: batch.partition, offset })),
  );
  await progress.advanceStored(0, batch.partition, batch.through);
}

test('events that are stored but not counted yet are left to ingest, wherever a replay begins', async (t) => {
  const world = await testWorld(t);
  const ledger = await world.begin();
  await recordBatch(ledger, batchOf(0, [{ offset: 0, call: callOf('u-1') }]));
  const inHand = batchOf(0, [
    { offset: 1, call: callOf('u-1') },
    { offset: 2, call: callOf('u-1') },
  ]);
  await storeOnly(world, inHand);

  await restoreBatch(ledger, batchOf(0, inHand.events.slice(1)));
  await recordBatch(ledger, inHand);

  const both = await bothFilled(world, ledger, 'u-1');
  t.strictSame(both.counters, both.rows);
  t.equal(callsIn(both.counters), 3);
});

test('rows that Mongo lost come back, and their users are counted in full, even if the first attempt failed', async (t) => {
  const world = await testWorld(t);
  const ledger = await world.begin();
  const batch = batchOf(
    0,
    ['u-1', 'u-2', 'u-1'].map((userId, offset) => ({ offset, call: callOf(userId) })),
  );
  const kept = { ...batch, events: batch.events.slice(1) };
  await recordBatch(ledger, kept);
  await fillUntilComplete(ledger, ['u-1', 'u-2']);

  const cut = await world.begin();
  const { calls } = world.store;
  const store = { ...world.store, calls: Object.create(calls) };
  store.calls.allPresent = calls.allPresent.bind(calls);
  store.calls.find = calls.find.bind(calls);
  store.calls.insert = async (rows: Parameters<typeof calls.insert>[0]) => {
    const standing = await calls.insert(rows);
    cut.session.end('cut after the insert');
    return standing;
  };
  await t.rejects(restoreBatch({ ...cut, store }, batch), { code: 'COUNTERS_LOST' });
  t.equal(callsIn((await bothOf(world, ledger, 'u-1'))!.counters), 1, 'the row is there, and not counted');

  const { outcomes, opened } = await restoreBatch(ledger, batch, true);
  t.strictSame(outcomes, ['redelivered', 'redelivered', 'redelivered']);
  t.equal(opened, 2);
  t.equal(callsIn((await bothFilled(world, ledger, 'u-1')).counters), 2);
  t.equal(callsIn((await bothFilled(world, ledger, 'u-2')).counters), 1);
});

test('users that Redis no longer knows are counted, and known users stay unchanged', async (t) => {
  const world = await testWorld(t);
  const ledger = await world.begin();
  const batch = batchOf(
    0,
    ['u-1', 'u-2'].map((userId, offset) => ({ offset, call: callOf(userId) })),
  );
  await recordBatch(ledger, batch);
  await fillUntilComplete(ledger, ['u-1', 'u-2']);
  await forgetUsers(ledger.session, ['u-1']);
  const known = await world.admin.hgetall('ct2:{u-2}');

  const { outcomes, opened } = await restoreBatch(ledger, batch);
  t.strictSame(outcomes, ['redelivered', 'redelivered']);
  t.equal(opened, 1);
  t.equal(callsIn((await bothFilled(world, ledger, 'u-1')).counters), 1);
  t.strictSame(await world.admin.hgetall('ct2:{u-2}'), known);
});
