import type { Call } from '@calltally/domain';
import type { OffsetVector } from '@calltally/store';
import { rowId } from '@calltally/store';
import { test } from 'tap';
import {
  type LedgerContext,
  type PartitionOffsets,
  type PartitionStart,
  recordBatch,
  startEpoch,
  writeCheckpoint,
} from '../src/index.ts';
import { batchOf, bothFilled, callOf, callsIn, RETENTION_MONTHS, testWorld } from './support.ts';

test('Mongo is back in an older state', async (t) => {
  const world = await testWorld(t);
  const { store, admin, db } = world;
  const begin = async (...states: PartitionOffsets[]) => {
    const topic = { topicEpoch: 0, partitions: states, retentionMonths: RETENTION_MONTHS };
    const { ledger, starts } = await startEpoch(store, await world.open(), topic);
    const [generation] = ledger.generations.values();
    return { ledger, starts, generation: generation! };
  };
  const at = (start: PartitionStart | undefined) => (start?.kind === 'at' ? start.offset : undefined);
  /** Puts rows and `stored` back to an offset vector. */
  const putBack = async (cut: OffsetVector) => {
    const progress = db.collection<{ _id: string; stored: number }>('progress');
    for (const { _id } of await progress.find({}).toArray()) {
      const [stream, partition] = _id.split(':').map(Number);
      const through = cut.get(_id) ?? -1;
      await progress.updateOne({ _id }, { $set: { stored: through } });
      await db.collection('calls').deleteMany({
        'source.stream': stream,
        'source.partition': partition,
        'source.offset': { $gt: through },
      });
    }
  };
  const empty = async () => {
    await Promise.all([admin.flushall(), db.collection('calls').deleteMany({})]);
    await db.collection('progress').deleteMany({});
  };
  /** Counts a log from where an epoch starts, in batches of three. */
  const count = async (ledger: LedgerContext, start: PartitionStart | undefined, log: readonly Call[]) => {
    if (start?.kind !== 'at') throw new Error('refused');
    for (let from = start.offset; from < log.length; from += 3) {
      const events = log.slice(from, from + 3).map((call, i) => ({ offset: from + i, call }));
      const batch = batchOf(start.partition, events);
      await recordBatch(ledger, { ...batch, again: batch.through <= start.storedThrough });
      await writeCheckpoint(ledger, { partition: `0:${start.partition}`, through: batch.through });
    }
  };

  await t.test('what it lost is read again, and no call is counted twice by another event', async (t) => {
    await empty();
    const first = callOf('u-1');
    const calls = Array.from({ length: 9 }, () => callOf('u-1'));
    // The first call came by partition 1 and is also in partition 0, beyond what Mongo keeps.
    const logs = [
      [...calls.map((call) => ({ ...call, userId: 'u-2' })), first],
      [first, ...calls.map(() => callOf('u-1'))],
    ];
    const states = (committed: (number | undefined)[]) =>
      logs.map((log, partition) => ({
        partition,
        committed: committed[partition],
        earliest: 0,
        end: log.length,
      }));

    const before = await begin(...states([undefined, undefined]));
    await count(before.ledger, before.starts[1], logs[1]!);
    await count(before.ledger, before.starts[0], logs[0]!);
    const whole = await bothFilled(world, before.ledger, 'u-1');
    t.equal(callsIn(whole.counters), 10);

    await putBack(new Map([['0:0', 4]]));
    const after = await begin(...states([10, 10]));
    t.strictSame(
      after.starts.map(at),
      [5, 0],
      'from behind what Mongo has; everything that it does not know',
    );
    t.not(after.generation.id, before.generation.id, 'what Redis has applied says nothing any more');
    await t.rejects(writeCheckpoint(before.ledger, { partition: `0:0`, through: 9 }), {
      code: 'COUNTERS_GENERATION',
    });
    await count(after.ledger, after.starts[0], logs[0]!);
    await count(after.ledger, after.starts[1], logs[1]!);
    for (const [userId, calls] of [
      ['u-1', 10],
      ['u-2', 9],
    ] as const) {
      const both = await bothFilled(world, after.ledger, userId);
      t.strictSame(both.counters, both.rows);
      t.equal(callsIn(both.counters), calls, userId);
    }
    const again = await begin(...states([10, 10]));
    t.equal(again.generation.id, after.generation.id, 'once is enough');
    t.strictSame(again.starts.map(at), [10, 10]);
  });

  await t.test('a group moved back is followed, one moved forward is not', async (t) => {
    await empty();
    await store.progress.advanceStored(0, 0, 49);
    const { starts, generation } = await begin({ partition: 0, committed: 50, earliest: 0, end: 100 });
    t.equal(at(starts[0]), 50);
    const back = await begin({ partition: 0, committed: 10, earliest: 0, end: 100 });
    t.equal(at(back.starts[0]), 10);
    const forward = await begin({ partition: 0, committed: 90, earliest: 0, end: 100 });
    t.equal(at(forward.starts[0]), 50);
    t.equal(forward.generation.id, generation.id, 'neither makes anybody cold');
  });

  await t.test(
    'what the topic no longer holds is named as lost, and a new generation does not claim it for long',
    async (t) => {
      await empty();
      await store.progress.advanceStored(0, 0, 99);
      const before = await begin({ partition: 0, committed: 100, earliest: 0, end: 120 });
      await writeCheckpoint(before.ledger, { partition: `0:0`, through: 99 });
      await putBack(new Map([['0:0', 49]]));
      const state = { partition: 0, committed: 100, earliest: 70, end: 120 };
      const { starts, generation } = await begin(state);
      t.strictSame(starts, [
        { kind: 'at', partition: 0, offset: 70, storedThrough: 49, lost: { from: 50, until: 70 } },
      ]);
      t.not(generation.id, before.generation.id);
      t.equal(generation.checkpoints.get('0:0'), 69);
      const again = await begin(state);
      t.equal(again.generation.id, generation.id, 'others that begin do not begin another');
    },
  );

  await t.test(
    'an empty Mongo: everything that the topic holds is read, the rest of what was read is lost',
    async (t) => {
      await empty();
      const { starts } = await begin(
        { partition: 0, committed: 100, earliest: 0, end: 100 },
        { partition: 1, committed: 100, earliest: 30, end: 100 },
        { partition: 2, committed: 30, earliest: 30, end: 100 },
        { partition: 3, committed: undefined, earliest: 30, end: 100 },
      );
      t.strictSame(starts, [
        { kind: 'at', partition: 0, offset: 0, storedThrough: -1 },
        { kind: 'at', partition: 1, offset: 30, storedThrough: -1, lost: { from: 0, until: 30 } },
        { kind: 'at', partition: 2, offset: 30, storedThrough: -1 },
        { kind: 'at', partition: 3, offset: 30, storedThrough: -1 },
      ]);
    },
  );

  await t.test(
    'consumers that go on counting while another starts are not taken for a Mongo that went back',
    async (t) => {
      await empty();
      const { ledger, generation } = await begin({
        partition: 0,
        committed: undefined,
        earliest: 0,
        end: 1e6,
      });
      let counting = true;
      const busy = (async () => {
        for (let offset = 0; counting; offset++) {
          await store.progress.advanceStored(0, 0, offset);
          await writeCheckpoint(ledger, { partition: `0:0`, through: offset });
        }
      })();
      for (let i = 0; i < 40; i++) {
        const begun = await begin({ partition: 0, committed: 0, earliest: 0, end: 1e6 });
        t.equal(begun.generation.id, generation.id);
      }
      counting = false;
      await busy;
    },
  );
});

test('rows that Mongo lost at or below stored come back, and are counted once', async (t) => {
  const world = await testWorld(t);
  const ledger = await world.begin();
  const twice = callOf('u-1');
  const calls = Array.from({ length: 4 }, () => callOf('u-1'));
  const other = batchOf(1, [{ offset: 0, call: twice }]);
  const batch = batchOf(0, [
    ...calls.map((call, offset) => ({ offset, call: { ...call, userId: offset === 0 ? 'u-2' : 'u-1' } })),
    { offset: 9, call: twice },
  ]);
  await recordBatch(ledger, other);
  await recordBatch(ledger, batch);
  const whole = await bothFilled(world, ledger, 'u-1');
  t.equal(callsIn(whole.counters), 4);

  t.strictSame(await recordBatch(ledger, { ...batch, again: true }), {
    outcomes: ['redelivered', 'redelivered', 'redelivered', 'redelivered', 'duplicate'],
    opened: 0,
  });
  await world.db
    .collection<{ _id: string }>('calls')
    .deleteMany({ _id: { $in: [rowId(twice), rowId(calls[1]!)] } });
  t.strictSame(await recordBatch(ledger, { ...batch, again: true }), {
    outcomes: ['redelivered', 'inserted', 'redelivered', 'redelivered', 'inserted'],
    opened: 1,
  });
  const both = await bothFilled(world, ledger, 'u-1');
  t.strictSame(both.counters, both.rows);
  t.equal(callsIn(both.counters), 4);
  t.equal(callsIn((await bothFilled(world, ledger, 'u-2')).counters), 1);
});
