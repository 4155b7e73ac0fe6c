import { strict as assert } from 'node:assert';
import { readFillStatuses } from '@calltally/counters';
import { type Call, type CallVersion, isDeleted, type Range, seriesOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  auditUsers,
  fillPieces,
  fillUntilComplete,
  openCold,
  PieceReader,
  recordBatch,
  replaceUsers,
  restoreBatch,
  sumsOfTopic,
  TopicSums,
} from '../src/index.ts';
import { readArbitraries, readingWorld } from './reading-world.ts';
import {
  batchOf,
  bothFilled,
  bound,
  callOf,
  callsIn,
  DAY_MS,
  dashboardOracle,
  holds,
  seriesOracle,
} from './support.ts';

const NOW = Date.now();
const EVER: Range = { from: 0, until: NOW + 365 * DAY_MS };

/** The calls that count: of each the highest revision. No two versions of a call have the same one. */
function winnersOf(versions: readonly CallVersion[]): Call[] {
  const highest = new Map<string, CallVersion>();
  for (const version of versions) {
    const known = highest.get(version.callId);
    if (known === undefined || (version.revision ?? 0) > (known.revision ?? 0)) {
      highest.set(version.callId, version);
    }
  }
  return [...highest.values()].filter((version): version is Call => !isDeleted(version));
}

test('calls that were corrected', async (t) => {
  const { world, ledger, store, offsets, reader, series, rowsAsOf } = await readingWorld(t);
  const record = (partition: 0 | 1, calls: readonly CallVersion[], into = ledger) => {
    const events = calls.map((call) => ({ offset: offsets[partition]!++, call }));
    return recordBatch(into, batchOf(partition, events));
  };
  let run = 0;

  await t.test(
    'dashboards and series, of counters, rows or both, count the highest revision of each call',
    async (t) => {
      const { someTime, clock } = readArbitraries(NOW);
      const version = fc.record({
        call: fc.nat(5),
        deleted: fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
        startedAt: someTime,
        durationMs: fc.nat(100_000),
        partition: fc.constantFrom(0 as const, 1 as const),
      });
      const property = fc.asyncProperty(
        fc.array(version, { minLength: 1, maxLength: 14 }),
        fc.infiniteStream(fc.nat(99)),
        fc.tuple(someTime, someTime),
        clock,
        fc.constantFrom('day' as const, 'week' as const, 'month' as const),
        fc.nat(7),
        async (given, chances, [one, other], nowMs, interval, cold) => {
          run += 1;
          const userId = `u-any-${run}`;
          const versions = given.map(({ call, deleted, partition, ...rest }, i) => {
            const id = { callId: `c-${run}-${call}`, userId };
            const said: CallVersion =
              deleted && i > 0
                ? { ...id, revision: i, deleted }
                : { ...id, ...rest, ...(i > 0 && { revision: i }) };
            return { said, partition };
          });
          // Revisions come in any order.
          const inOrder = versions
            .map((one) => ({ ...one, chance: chances.next().value as number }))
            .sort((a, b) => a.chance - b.chance);
          for (const { said, partition } of inOrder) await record(partition, [said]);
          const winners = winnersOf(versions.map(({ said }) => said));
          if (cold > 0) await fillUntilComplete(ledger, [userId]);
          else if (!(await rowsAsOf.state()).hasCorrections) return;
          const range = { from: Math.min(one, other), until: Math.max(one, other) + 1 };
          const { source, asOfMs, ...tallies } = await reader.read(userId, range, nowMs);
          assert.deepEqual(tallies, dashboardOracle(winners, range, nowMs));
          if (cold > 0) assert.notEqual(source, 'mongo');
          const buckets = seriesOf(range, interval);
          const told = await series.read(userId, range, buckets, nowMs);
          assert.deepEqual(told.tallies, seriesOracle(winners, range, interval));
          assert.deepEqual((await auditUsers(ledger, [userId])).differences, []);
        },
      );
      await holds(t, property, 60);
    },
  );

  await t.test('of two users, each has their own calls under the same ids', async (t) => {
    const mine = callOf('u-mine', { durationMs: 1_000 });
    const theirs = { ...mine, userId: 'u-theirs', durationMs: 2_000 };
    const corrected = { ...mine, durationMs: 4_000, revision: 1 };
    const { outcomes } = await record(0, [mine, theirs, corrected]);
    t.strictSame(outcomes, ['inserted', 'inserted', 'corrected']);
    const durations = new Map([
      ['u-mine', 4_000],
      ['u-theirs', 2_000],
    ]);
    for (const [userId, durationMs] of durations) {
      await fillUntilComplete(ledger, [userId]);
      t.match(await reader.read(userId, EVER, NOW), { range: { calls: 1, durationMs } });
    }
  });

  await t.test('a call that was first deleted, and comes later', async (t) => {
    const call = callOf('u-first');
    const { callId, userId } = call;
    const deletion = { callId, userId, revision: 5, deleted: true } as const;
    t.strictSame((await record(0, [deletion, call, { ...call, revision: 4 }])).outcomes, [
      'inserted',
      'outdated',
      'outdated',
    ]);
    const both = await bothFilled(world, ledger, userId);
    t.equal(callsIn(both.counters), 0);
    await record(1, [
      { ...call, revision: 6 },
      { ...deletion, revision: 7 },
      { ...deletion, revision: 9 },
    ]);
    t.equal(callsIn((await bothFilled(world, ledger, userId)).counters), 0);
    t.strictSame(
      (
        await record(0, [
          { ...call, revision: 8 },
          { ...call, revision: 10 },
        ])
      ).outcomes,
      ['outdated', 'corrected'],
    );
    t.equal(callsIn((await bothFilled(world, ledger, userId)).counters), 1);
  });

  /** The call's row is inserted by partition 0, whose batch gets no further; partition 1 corrects it. */
  const half = async (userId: string) => {
    const call = callOf(userId, { startedAt: NOW - 3 * DAY_MS });
    const older = callOf(userId, { startedAt: NOW - 60 * DAY_MS });
    await record(0, [older]);
    await fillUntilComplete(ledger, [userId]);
    const killed = new Error('killed');
    const progress = bound(store.progress, { advanceStored: () => Promise.reject(killed) });
    const offset = offsets[0]!;
    await assert.rejects(record(0, [call], { ...ledger, store: { ...store, progress } }), killed);
    const corrected = { ...call, startedAt: NOW - 2 * DAY_MS, durationMs: 9_000, revision: 1 };
    const { outcomes, opened } = await record(1, [corrected]);
    assert.deepEqual([outcomes, opened], [['corrected'], 1]);
    return { again: () => recordBatch(ledger, batchOf(0, [{ offset, call }])) };
  };

  await t.test(
    'a correction of a call that the other partition has not stored: nobody waits, nothing shows',
    async (t) => {
      const { again } = await half('u-half');
      const status = async () => (await readFillStatuses(ledger.session, ledger.generations, ['u-half']))[0];
      const pieces = new PieceReader(store.tallies);
      for (let round = 0; round < 3; round++) {
        t.match(await fillPieces(ledger, pieces, ['u-half']), { pieces: 0, left: ['u-half'] });
        t.not(await status(), 'complete', 'it cannot be filled without what it builds on');
      }
      t.strictSame((await auditUsers(ledger, ['u-half'])).differences, []);
      const before = await reader.read('u-half', EVER, NOW);
      t.match(before, { source: 'mongo' });
      t.ok([1_000, 2_000, 10_000].includes(before.range.durationMs), 'a state that there was');
      await again();
      const both = await bothFilled(world, ledger, 'u-half');
      t.strictSame(both.counters, both.rows);
      t.match(await reader.read('u-half', EVER, NOW), { range: { calls: 2, durationMs: 10_000 } });
    },
  );

  await t.test('the same while users are filled from the topic', async (t) => {
    const { again } = await half('u-topic');
    const none = new TopicSums(store, 0, 0);
    t.strictSame(
      await replaceUsers(
        ledger,
        ['u-topic'],
        sumsOfTopic(none, async () => {}),
      ),
      ['u-topic'],
    );
    await again();
    t.strictSame((await bothFilled(world, ledger, 'u-topic')).counters.size > 0, true);
    t.strictSame((await auditUsers(ledger, ['u-topic'])).differences, []);
  });

  await t.test('chains that cross: each partition builds on what the other is about to store', async (t) => {
    const [a, b] = [callOf('u-cross'), callOf('u-cross')];
    await openCold(ledger, ['u-cross']);
    await fillUntilComplete(ledger, ['u-cross']);
    const correction = (call: Call) => ({ ...call, durationMs: 5_000, revision: 1 });
    // Both insert their rows before either looks for what it corrects.
    let waiting = 0;
    let release!: () => void;
    const bothInserted = new Promise<void>((resolve) => (release = resolve));
    const calls = bound(store.calls, {
      insert: async (rows) => {
        const standing = await store.calls.insert(rows.slice(0, 1));
        if (++waiting === 2) release();
        await bothInserted;
        return [...standing, ...(await store.calls.insert(rows.slice(1)))];
      },
    });
    const crossed = { ...ledger, store: { ...store, calls } };
    const recorded = await Promise.all([
      record(0, [a, correction(b)], crossed),
      record(1, [b, correction(a)], crossed),
    ]);
    t.strictSame(
      recorded.map(({ outcomes }) => outcomes),
      [
        ['inserted', 'corrected'],
        ['inserted', 'corrected'],
      ],
    );
    const both = await bothFilled(world, ledger, 'u-cross');
    t.strictSame(both.counters, both.rows);
    t.match(await reader.read('u-cross', EVER, NOW), { range: { calls: 2, durationMs: 10_000 } });
  });

  await t.test('what Mongo lost of a chain comes back by a replay, and counters are right', async (t) => {
    for (const lost of ['row', 'correction', 'last correction'] as const) {
      const call = callOf(`u-lost-${lost}`);
      const from = offsets[0]!;
      const versions = [0, 1, 2, 3].map((revision) => ({
        ...call,
        durationMs: 1_000 * 2 ** revision,
        revision,
      }));
      await record(0, versions);
      await fillUntilComplete(ledger, [call.userId]);
      const rowId = `${call.userId}\u001f${call.callId}`;
      const [collection, id] =
        lost === 'row' ? ['calls', rowId] : ['corrections', `${rowId}\u001f${lost === 'correction' ? 2 : 3}`];
      const documents = () => world.db.collection<{ _id: string }>(collection!);
      const before = await documents().findOne({ _id: id! });
      t.equal((await documents().deleteOne({ _id: id! })).deletedCount, 1);
      const events = versions.map((version, i) => ({ offset: from + i, call: version }));
      // From the middle first: no other event takes the place of the one that is lost.
      await restoreBatch(ledger, batchOf(0, events.slice(lost === 'last correction' ? 0 : 3)));
      const { outcomes } = await restoreBatch(ledger, batchOf(0, events));
      t.equal(
        outcomes.filter((outcome) => outcome !== 'redelivered').length,
        lost === 'last correction' ? 0 : 1,
      );
      t.strictSame(await documents().findOne({ _id: id! }), before);
      const both = await bothFilled(world, ledger, call.userId);
      t.strictSame(both.counters, both.rows, lost);
      t.match(await reader.read(call.userId, EVER, NOW), { range: { calls: 1, durationMs: 8_000 } });
    }
  });
});
