import { applyEvents, readGenerations } from '@calltally/counters';
import { test } from 'tap';
import { type PartitionOffsets, recordBatch, startEpoch, writeCheckpoint } from '../src/index.ts';
import { batchOf, bothFilled, bothOf, callOf, RETENTION_MONTHS, testWorld } from './support.ts';

test('starting an epoch', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  const begin = async (...states: PartitionOffsets[]) => {
    const session = await world.open();
    const { ledger, starts } = await startEpoch(store, session, {
      topicEpoch: 0,
      partitions: states,
      retentionMonths: RETENTION_MONTHS,
    });
    const [generation] = ledger.generations.values();
    return { ledger, starts, generation: generation! };
  };
  const state = (
    partition: number,
    committed: number | undefined,
    earliest: number,
    end: number,
  ): PartitionOffsets => ({
    partition,
    committed,
    earliest,
    end,
  });

  await t.test(
    'without a generation: from the committed offset, and from the first event without one',
    async (t) => {
      await store.progress.advanceStored(0, 0, 6);
      const { starts, generation } = await begin(
        state(0, 7, 0, 20),
        state(1, undefined, 3, 9),
        state(2, undefined, 0, 0),
      );
      t.strictSame(starts, [
        { kind: 'at', partition: 0, offset: 7, storedThrough: 6 },
        { kind: 'at', partition: 1, offset: 3, storedThrough: -1 },
        { kind: 'at', partition: 2, offset: 0, storedThrough: -1 },
      ]);
      t.strictSame(
        generation.checkpoints,
        new Map([
          ['0:0', 6],
          ['0:1', 2],
          ['0:2', -1],
        ]),
      );
      t.equal(generation.retentionMonths, RETENTION_MONTHS);
    },
  );

  await t.test('from the committed offset or behind the checkpoint, whichever is lower', async (t) => {
    const before = await begin(state(0, 7, 0, 20));
    await store.progress.advanceStored(0, 0, 11);
    await store.progress.advanceStored(0, 1, 8);
    await writeCheckpoint(before.ledger, { partition: `0:0`, through: 11 });
    await writeCheckpoint(before.ledger, { partition: `0:1`, through: 4 });
    const { starts, generation } = await begin(state(0, 7, 0, 20), state(1, 9, 3, 10));
    t.strictSame(starts, [
      { kind: 'at', partition: 0, offset: 7, storedThrough: 11 },
      { kind: 'at', partition: 1, offset: 5, storedThrough: 8 },
    ]);
    t.equal(generation.id, before.generation.id, 'the generation goes on');
  });

  await t.test(
    'the topic no longer holds what a checkpoint asks for: a new generation, from the committed offset',
    async (t) => {
      const before = await begin(state(0, 7, 0, 20));
      await recordBatch(before.ledger, batchOf(0, [{ offset: 0, call: callOf('u-1') }], 14));
      await writeCheckpoint(before.ledger, { partition: `0:0`, through: 11 });
      const { starts, generation, ledger } = await begin(state(0, 15, 13, 20));
      t.not(generation.id, before.generation.id);
      t.strictSame(starts, [{ kind: 'at', partition: 0, offset: 15, storedThrough: 14 }]);
      t.equal(generation.checkpoints.get('0:0'), 14);
      t.equal(await bothOf(world, ledger, 'u-1'), undefined, 'everybody is filled from rows again');
      await t.rejects(writeCheckpoint(before.ledger, { partition: `0:0`, through: 12 }), {
        code: 'COUNTERS_GENERATION',
      });
      const user = { userId: 'u-1', events: [{ offset: 19, startedAt: Date.now(), durationMs: 1 }] };
      t.strictSame(
        await applyEvents(before.ledger.session, before.ledger.generations, '0:0', [user]),
        [1],
        'the hash is still of the older generation …',
      );
      t.equal(await bothOf(world, ledger, 'u-1'), undefined, '… and nobody reads it');
      t.strictSame(await recordBatch(ledger, batchOf(0, [{ offset: 15, call: callOf('u-1') }])), {
        outcomes: ['inserted'],
        opened: 1,
      });
      const both = await bothFilled(world, ledger, 'u-1');
      t.strictSame(both.counters, both.rows);
    },
  );

  await t.test('a checkpoint just before the first event held asks for nothing that is gone', async (t) => {
    await store.progress.advanceStored(0, 0, 17);
    const before = await begin(state(0, 15, 0, 20));
    await writeCheckpoint(before.ledger, { partition: `0:0`, through: 14 });
    const { generation, starts } = await begin(state(0, 18, 15, 20));
    t.equal(generation.id, before.generation.id);
    t.strictSame(starts, [{ kind: 'at', partition: 0, offset: 15, storedThrough: 17 }]);
  });

  await t.test(
    'events that expired before they were read are named, and counting goes on behind them',
    async (t) => {
      await admin.flushall();
      const before = await begin(state(8, 15, 15, 20));
      const { starts, generation } = await begin(state(8, 15, 18, 30));
      t.strictSame(starts, [
        { kind: 'at', partition: 8, offset: 18, storedThrough: -1, lost: { from: 15, until: 18 } },
      ]);
      t.equal(generation.id, before.generation.id, 'what was counted stays counted');
    },
  );

  await t.test('an added partition is told who was erased before anything is counted', async (t) => {
    await store.erasures.begin('u-erased');
    await begin(state(9, 0, 0, 5));
    t.ok((await store.progress.streamAndStored(0, [9])).isTold);
  });

  await t.test('an overwritten commit hides no loss: stored tells how far was read', async (t) => {
    await admin.flushall();
    await store.progress.advanceStored(0, 7, 99);
    const before = await begin(state(7, 100, 0, 150));
    const { starts, generation } = await begin(state(7, undefined, 150, 220));
    const named = {
      kind: 'at',
      partition: 7,
      offset: 150,
      storedThrough: 99,
      lost: { from: 100, until: 150 },
    };
    t.strictSame(starts, [named]);
    t.equal(generation.id, before.generation.id, 'what was counted stays counted');
    const overwritten = await begin(state(7, 150, 150, 220));
    t.strictSame(overwritten.starts, [named], 'also where it was overwritten before anybody asked');
    const none = await begin(state(7, undefined, 0, 220));
    t.strictSame(
      none.starts,
      [{ kind: 'at', partition: 7, offset: 99, storedThrough: 99 }],
      'without a commit the last stored event is read again, so that it is committed',
    );
  });

  await t.test('a recreated topic is refused: it ends below what is stored', async (t) => {
    await store.progress.advanceStored(0, 3, 41);
    const refused = await begin(state(3, undefined, 0, 41), state(2, 0, 0, 5));
    t.strictSame(refused.starts, [
      { kind: 'refused', partition: 3, end: 41, storedThrough: 41 },
      { kind: 'at', partition: 2, offset: 0, storedThrough: -1 },
    ]);
    const accepted = await begin(state(3, 42, 0, 42));
    t.equal(accepted.starts[0]!.kind, 'at');
  });

  await t.test('as-of waits for partitions that nothing was read from', async (t) => {
    await admin.flushall();
    await begin(state(4, 0, 0, 5));
    const { ledger } = await begin(state(4, 0, 0, 5), state(5, 0, 0, 5));
    await store.progress.advanceStored(0, 4, 4);
    await writeCheckpoint(ledger, { partition: `0:4`, through: 4, asOfMs: 1_000 });
    const [generation] = (await readGenerations(ledger.session)).values();
    t.strictSame([...generation!.checkpoints.keys()], ['0:4', '0:5']);
    t.strictSame([...generation!.asOf.keys()], ['0:4']);
    await store.progress.advanceAsOf(0, [4], 1_000);
    t.equal(await store.progress.asOf(), undefined);
  });

  await t.test(
    'many that start at once with checkpoints out of reach agree on one new generation',
    async (t) => {
      await admin.flushall();
      await store.progress.advanceStored(0, 6, 39);
      const before = await begin(state(6, 5, 0, 50));
      const begun = await Promise.all(Array.from({ length: 10 }, () => begin(state(6, 40, 30, 50))));
      t.equal(new Set(begun.map(({ generation }) => generation.id)).size, 1);
      t.not(begun[0]!.generation.id, before.generation.id);
      t.ok(begun.every(({ starts }) => starts[0]!.kind === 'at' && starts[0]!.offset === 40));
    },
  );
});
