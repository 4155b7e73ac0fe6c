import { claimUsers, forgetUsers, readGenerations } from '@calltally/counters';
import type { CallVersion } from '@calltally/domain';
import { partitionId, type Store, StoreError } from '@calltally/store';
import { test } from 'tap';
import {
  type CallBatch,
  fillPieces,
  fillUntilComplete,
  type LedgerContext,
  openCold,
  PieceReader,
  recordBatch,
  writeCheckpoint,
} from '../src/index.ts';
import {
  batchOf,
  bothFilled,
  bothOf,
  bound,
  callOf,
  callsIn,
  DAY_MS,
  interposed,
  testWorld,
} from './support.ts';

/** Does the first `steps` of what `recordBatch` and `writeCheckpoint` do, as if killed then. */
async function recordAndDie(ledger: LedgerContext, batch: CallBatch, steps: number) {
  const { store, session } = ledger;
  const killed = new Error('killed');
  if (steps === 0) return;
  const calls = bound(store.calls, {
    insert: async (rows) => {
      if (steps > 1) return store.calls.insert(rows);
      await store.calls.insert(rows.slice(0, Math.ceil(rows.length / 2)));
      throw killed;
    },
  });
  const progress = bound(store.progress, {
    advanceStored: async (...to) => {
      if (steps === 2) throw killed;
      return store.progress.advanceStored(...to);
    },
  });
  const mortal = bound(session, {
    runForUsers: async (script, commands) => {
      if (script === 'apply' && steps === 4) await session.runForUsers(script, commands.slice(0, 1));
      if (script === 'apply' && steps <= 4) throw killed;
      return session.runForUsers(script, commands);
    },
  });
  try {
    await recordBatch({ ...ledger, store: { ...store, calls, progress }, session: mortal }, batch);
  } catch (thrown) {
    if (thrown !== killed) throw thrown;
    return;
  }
  if (steps < ALL_STEPS) return;
  const { topicEpoch, partition, through } = batch;
  await writeCheckpoint(ledger, { partition: partitionId(topicEpoch, partition), through });
}
const ALL_STEPS = 6;

test('recording', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;
  let next = 0;
  const events = (calls: readonly CallVersion[]) => calls.map((call) => ({ offset: next++, call }));
  const agree = async (t: Tap, ledger: LedgerContext, userId: string, calls: number) => {
    const both = await bothFilled(world, ledger, userId);
    t.strictSame(both.counters, both.rows, userId);
    t.equal(callsIn(both.counters), calls);
  };
  type Tap = typeof t;

  await t.test(
    'a batch is inserted, counted and gets its checkpoint, and each event has its outcome',
    async (t) => {
      const ledger = await world.begin();
      const first = callOf('u-1');
      const taken = callOf('u-1');
      const batch = batchOf(
        0,
        events([
          first,
          callOf('u-2'),
          first,
          taken,
          { ...taken, userId: 'u-2' },
          { ...taken, durationMs: 1 },
        ]),
      );
      t.strictSame(await recordBatch(ledger, batch), {
        outcomes: ['inserted', 'inserted', 'duplicate', 'inserted', 'inserted', 'changed'],
        opened: 2,
      });
      await writeCheckpoint(ledger, { partition: `0:0`, through: batch.through, asOfMs: 7 });
      await agree(t, ledger, 'u-1', 2);
      await agree(t, ledger, 'u-2', 2);
      const [generation] = (await readGenerations(ledger.session)).values();
      t.equal(generation!.checkpoints.get('0:0'), batch.through);
      t.equal(generation!.asOf.get('0:0'), 7);
      t.equal((await store.progress.storedThrough()).get('0:0'), batch.through);

      t.strictSame(await recordBatch(ledger, batch), {
        outcomes: ['redelivered', 'redelivered', 'duplicate', 'redelivered', 'redelivered', 'changed'],
        opened: 0,
      });
      await agree(t, ledger, 'u-1', 2);
      await agree(t, ledger, 'u-2', 2);
    },
  );

  await t.test('a batch without calls still raises stored', async (t) => {
    const ledger = await world.begin();
    next += 10;
    t.strictSame(await recordBatch(ledger, { topicEpoch: 0, partition: 0, events: [], through: next - 1 }), {
      outcomes: [],
      opened: 0,
    });
    t.equal((await store.progress.storedThrough()).get('0:0'), next - 1);
  });

  await t.test('no step starts before the one above it is acknowledged', async (t) => {
    const ledger = await world.begin();
    await recordBatch(ledger, batchOf(40, [{ offset: 0, call: callOf('u-order') }]));
    const batch = batchOf(40, [{ offset: 1, call: callOf('u-order') }]);
    const key = partitionId(0, 40);
    const refused = new StoreError('STORE_TIMEOUT', true, 'no answer');
    const rejects = () => Promise.reject(refused);

    const withoutInsert = { ...store, calls: bound(store.calls, { insert: rejects }) };
    await t.rejects(recordBatch({ ...ledger, store: withoutInsert }, batch), refused);
    t.equal((await store.progress.storedThrough()).get(key), 0, 'nothing is said to be stored');

    const withoutRaise = { ...store, progress: bound(store.progress, { advanceStored: rejects }) };
    await t.rejects(recordBatch({ ...ledger, store: withoutRaise }, batch), refused);
    t.equal((await bothOf(world, ledger, 'u-order'))!.applied.get(key), 0, 'nothing is applied');

    let raised = false;
    const slow = {
      ...store,
      calls: bound(store.calls, {
        insert: async (rows) => {
          await new Promise((resolve) => setTimeout(resolve, 50));
          t.notOk(raised, 'stored waits for the answer of the insert');
          return store.calls.insert(rows);
        },
      }),
      progress: bound(store.progress, {
        advanceStored: async (...to) => {
          raised = true;
          await new Promise((resolve) => setTimeout(resolve, 50));
          t.equal((await bothOf(world, ledger, 'u-order'))!.applied.get(key), 0, 'apply waits for stored');
          return store.progress.advanceStored(...to);
        },
      }),
    };
    await recordBatch({ ...ledger, store: slow }, batch);
    await agree(t, ledger, 'u-order', 2);
  });

  for (const state of ['cold', 'claimed', 'open', 'in part', 'complete'] as const) {
    for (let steps = 0; steps <= ALL_STEPS; steps++) {
      await t.test(
        `${state} users, killed after ${steps} of ${ALL_STEPS} steps: the batch comes again and counts once`,
        async (t) => {
          const ledger = await world.begin();
          const users = [1, 2, 3].map((i) => `u-${state}-${steps}-${i}`);
          const startedAt = Date.now() - 40 * DAY_MS;
          const older = users.map((userId) => callOf(userId, { startedAt }));
          const before = batchOf(0, events(older));
          await recordAndDie(ledger, before, 3);
          if (state === 'claimed') await claimUsers(ledger.session, ledger.generations, users, Date.now());
          if (state === 'open' || state === 'in part') await openCold(ledger, users);
          if (state === 'in part') {
            const pieces = new PieceReader(store.tallies, { wholeTimeoutMs: 0 });
            t.equal((await fillPieces(ledger, pieces, users)).left.length, users.length);
          }
          if (state === 'complete') await fillUntilComplete(ledger, users);
          const calls = [...users, ...users].map((userId, i) =>
            callOf(userId, { startedAt: Date.now() - i * 9 * DAY_MS }),
          );
          const corrected = older.map((call, i) => ({
            ...call,
            startedAt: startedAt + (i - 1) * 12 * DAY_MS,
            durationMs: 7_000,
            revision: 1,
          }));
          const [deleted] = calls;
          const { callId, userId } = deleted!;
          const taken = { callId, userId, revision: 2, deleted: true } as const;
          const batch = batchOf(0, events([...calls, ...corrected, taken, { ...deleted!, revision: 3 }]));
          await recordAndDie(ledger, batch, steps);
          ledger.session.end('killed');

          const again = await world.begin();
          for (let times = 0; times < 3; times++) {
            await recordBatch(again, batch);
            await writeCheckpoint(again, { partition: `0:0`, through: batch.through });
            if (times === 1) for (const userId of users) await agree(t, again, userId, 3);
          }
          for (const userId of users) await agree(t, again, userId, 3);
          again.session.end('done');
        },
      );
    }
  }

  await t.test('a batch that overlaps what was recorded adds only what is new', async (t) => {
    const ledger = await world.begin();
    const all = events(Array.from({ length: 30 }, (_, i) => callOf(`u-over-${i % 3}`)));
    for (const [from, until] of [
      [0, 12],
      [5, 20],
      [0, 3],
      [19, 30],
      [0, 30],
    ] as const) {
      await recordBatch(ledger, batchOf(0, all.slice(from, until)));
    }
    for (let i = 0; i < 3; i++) await agree(t, ledger, `u-over-${i}`, 10);
  });

  await t.test('two consumers record the same cold users on two partitions at once', async (t) => {
    for (let round = 0; round < 15; round++) {
      const both = await Promise.all([world.begin(), world.begin()]);
      const users = [0, 1, 2].map((i) => `u-two-${round}-${i}`);
      const shared = users.map((userId) => callOf(userId));
      let offset = round * 100;
      const batches = both.map((_, partition) => {
        const own = users.flatMap((userId) => [callOf(userId), callOf(userId)]);
        return batchOf(
          10 + partition,
          [...own, ...shared].map((call) => ({ offset: offset++, call })),
        );
      });
      await Promise.all(both.map((ledger, i) => recordBatch(ledger, batches[i]!)));
      for (const userId of users) await agree(t, both[0]!, userId, 5);
      for (const { session } of both) session.end('done');
    }
  });

  await t.test(
    'somebody else opens the user at less just before: the events are applied on top of that',
    async (t) => {
      const ledger = await world.begin();
      const older = batchOf(20, [{ offset: 0, call: callOf('u-less') }]);
      await recordAndDie(ledger, older, 3);

      // The other process read stored before our batch raised it, and waits.
      let hasRead!: () => void;
      let goOn!: () => void;
      const read = new Promise<void>((resolve) => (hasRead = resolve));
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      const slow = withStored(store, async () => {
        const stored = await store.progress.storedThrough();
        hasRead();
        await gate;
        return stored;
      });
      const other = openCold({ ...ledger, store: slow }, ['u-less']);
      await read;

      const ours = await world.begin();
      let openings = 0;
      const session = interposed(ours.session, async (script) => {
        if (script !== 'open' || openings++ > 0) return;
        goOn();
        t.strictSame([...(await other).keys()], ['u-less']);
      });
      const { opened } = await recordBatch(
        { ...ours, session, generations: ours.generations },
        batchOf(20, [{ offset: 1, call: callOf('u-less') }]),
      );
      t.equal(openings, 1);
      t.equal(opened, 0);
      await agree(t, ledger, 'u-less', 2);
    },
  );

  await t.test('an opening at less that comes too late changes nothing', async (t) => {
    const ledger = await world.begin();
    await recordAndDie(ledger, batchOf(21, [{ offset: 0, call: callOf('u-late') }]), 3);
    const ours = await world.begin();
    const slow = withStored(store, async () => {
      const stored = await store.progress.storedThrough();
      const batch = batchOf(21, [{ offset: 1, call: callOf('u-late') }]);
      t.equal((await recordBatch(ours, batch)).opened, 1, 'by the claim of the other');
      return stored;
    });
    t.equal((await openCold({ ...ledger, store: slow }, ['u-late'])).size, 0);
    await agree(t, ledger, 'u-late', 2);
  });

  await t.test('nobody is opened at a stored that was read before they were forgotten', async (t) => {
    const ledger = await world.begin();
    await recordAndDie(ledger, batchOf(23, [{ offset: 0, call: callOf('u-again') }]), 3);
    const ours = await world.begin();
    const slow = withStored(store, async () => {
      const stored = await store.progress.storedThrough();
      await recordBatch(ours, batchOf(23, [{ offset: 1, call: callOf('u-again') }]));
      await forgetUsers(ours.session, ['u-again']);
      return stored;
    });
    t.equal((await openCold({ ...ledger, store: slow }, ['u-again'])).size, 0);
    await agree(t, ledger, 'u-again', 2);
  });

  await t.test('users who are made cold all the time cannot be counted, which is reported', async (t) => {
    const ledger = await world.begin();
    let applies = 0;
    const session = interposed(ledger.session, async (script) => {
      if (script !== 'apply') return;
      applies += 1;
      await forgetUsers(ledger.session, ['u-cold']);
    });
    const batch = batchOf(22, [{ offset: 0, call: callOf('u-cold') }]);
    await t.rejects(recordBatch({ ...ledger, session }, batch), { code: 'COUNTERS_CONTENDED' });
    t.equal(applies, 20);
    await recordBatch(ledger, batch);
    await agree(t, ledger, 'u-cold', 1);
  });

  await t.test(
    'Redis emptied between any two steps: what was begun is refused, and counts exactly once begun anew',
    async (t) => {
      for (let steps = 0; steps <= ALL_STEPS; steps++) {
        const ledger = await world.begin([{ committed: next }]);
        const users = [1, 2].map((i) => `u-flush-${steps}-${i}`);
        const first = batchOf(0, events(users.map((userId) => callOf(userId))));
        await recordBatch(ledger, first);
        const batch = batchOf(0, events([...users, ...users].map((userId) => callOf(userId))));
        await recordAndDie(ledger, batch, steps);
        await admin.flushall();
        await t.rejects(
          recordBatch(ledger, batch).then(() =>
            writeCheckpoint(ledger, { partition: `0:0`, through: batch.through }),
          ),
          { code: 'COUNTERS_GENERATION' },
        );
        const again = await world.begin([{ committed: first.through + 1 }]);
        await recordBatch(again, batch);
        await writeCheckpoint(again, { partition: `0:0`, through: batch.through });
        for (const userId of users) await agree(t, again, userId, 3);
      }
    },
  );

  await t.test(
    'Redis emptied while an apply has found the user cold: nothing of the older generation survives',
    async (t) => {
      const ledger = await world.begin();
      const call = callOf('u-late-flush');
      const session = interposed(ledger.session, async (script) => {
        if (script === 'claim') await admin.flushall();
      });
      await recordBatch({ ...ledger, session }, batchOf(30, [{ offset: 0, call }]));
      await t.rejects(writeCheckpoint(ledger, { partition: `0:30`, through: 0 }), {
        code: 'COUNTERS_GENERATION',
      });
      const again = await world.begin();
      t.equal(await bothOf(world, again, 'u-late-flush'), undefined);
      await recordBatch(again, batchOf(30, [{ offset: 0, call }]));
      await agree(t, again, 'u-late-flush', 1);
    },
  );
});

/** A store with another way to read `stored`. */
function withStored(store: Store, stored: () => Promise<Map<string, number>>): Store {
  return { ...store, progress: bound(store.progress, { storedThrough: stored }) };
}
