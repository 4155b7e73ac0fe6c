import { strict as assert } from 'node:assert';
import {
  addTallies,
  type Call,
  firstDayOfMonth,
  INTERVALS,
  type Interval,
  monthOf,
  type Range,
  seriesOf,
} from '@calltally/domain';
import { openStore } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import type { AnswerSource } from '../src/index.ts';
import { RETENTION_MONTHS, readArbitraries, readingWorld, startOf } from './reading-world.ts';
import { callOf, DAY_MS, dashboardOracle, holds, seriesOracle, testReader } from './support.ts';

test('reading time series', async (t) => {
  const { world, count, halfCounted, reader, series, filler } = await readingWorld(t);
  const answer = async (userId: string, range: Range, interval: Interval, nowMs: number) =>
    series.read(userId, range, seriesOf(range, interval), nowMs);

  await t.test(
    'any range, interval, clock and calls, also ahead of the clock: each bucket is a plain oracle’s, and all of them ' +
      'together they are the range of the dashboard',
    async (t) => {
      const nowMs = Date.now();
      const seen = new Map<string, number>();
      const { someTime, cold, clock } = readArbitraries(nowMs);
      const someRead = fc.record({
        cold,
        clock,
        interval: fc.constantFrom(...INTERVALS),
        range: fc.oneof(
          fc
            .tuple(someTime, someTime)
            .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) + 1 })),
          // Whole days.
          fc
            .tuple(someTime, fc.integer({ min: 1, max: 90 }))
            .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
          // Within one day, down to a millisecond.
          fc
            .tuple(someTime, fc.oneof(fc.constant(1), fc.integer({ min: 1, max: DAY_MS })))
            .map(([from, length]): Range => ({ from, until: from + length })),
          fc.constant<Range>({ from: nowMs - 400 * DAY_MS, until: nowMs + 400 * DAY_MS }),
        ),
      });
      const someCall = fc.record({ startedAt: someTime, durationMs: fc.nat(1_000_000) });
      let run = 0;
      const property = fc.asyncProperty(
        fc.array(fc.array(someCall, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
        fc.array(someRead, { minLength: 1, maxLength: 5 }),
        async (batches, reads) => {
          run += 1;
          const userId = `u-any-${run}`;
          const calls: Call[] = [];
          for (const batch of batches) {
            const more = batch.map((call) => callOf(userId, call));
            await count(more);
            calls.push(...more);
            for (const { clock, cold, interval, range } of reads) {
              if (cold) await world.admin.del(`ct2:{${userId}}`);
              const { source, tallies } = await answer(userId, range, interval, clock);
              assert.deepEqual(tallies, seriesOracle(calls, range, interval));
              if (source === 'mongo') await filler.idle();
              assert.deepEqual(addTallies(...tallies), (await reader.read(userId, range, clock)).range);
              seen.set(source, (seen.get(source) ?? 0) + 1);
            }
          }
        },
      );
      await holds(t, property, 120);
      for (const source of ['counters', 'counters+mongo', 'mongo'] satisfies AnswerSource[]) {
        t.ok(seen.has(source), `${source}: ${seen.get(source)} answers`);
      }
    },
  );

  await t.test(
    'whole days and ranges that end now come from counters, cut days from both, older days also from rows',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const calls = Array.from({ length: 300 }, (_, i) =>
        callOf('u-paths', { startedAt: nowMs - i * (DAY_MS / 2) }),
      );
      await count(calls);
      const day = startOf(nowMs);
      const firstKept = firstDayOfMonth(monthOf(day / DAY_MS) - RETENTION_MONTHS) * DAY_MS;
      const paths: [string, Range, AnswerSource][] = [
        ['default window', { from: day - 30 * DAY_MS, until: nowMs + 1 }, 'counters'],
        ['whole days', { from: day - 20 * DAY_MS, until: day - 3 * DAY_MS }, 'counters'],
        ['all that is kept, and far ahead', { from: firstKept, until: day + 400 * DAY_MS }, 'counters'],
        ['nothing yet', { from: day + 2 * DAY_MS, until: day + 3 * DAY_MS }, 'counters'],
        ['cut at both ends', { from: day - 20 * DAY_MS + 1, until: day - 3 * DAY_MS + 5 }, 'counters+mongo'],
        ['within one day', { from: day - 3 * DAY_MS + 1, until: day - 3 * DAY_MS + 9 }, 'counters+mongo'],
        ['a week before what is kept', { from: firstKept - 7 * DAY_MS, until: nowMs + 1 }, 'counters+mongo'],
      ];
      for (const [name, range, source] of paths) {
        for (const interval of INTERVALS) {
          const given = await answer('u-paths', range, interval, nowMs);
          t.strictSame(given.tallies, seriesOracle(calls, range, interval), `${name} by ${interval}`);
          t.equal(given.source, source, name);
        }
      }
    },
  );

  await t.test(
    'a cold user is answered from rows at once and from counters afterwards, the same',
    async (t) => {
      const nowMs = Date.now();
      const calls = Array.from({ length: 40 }, (_, i) => callOf('u-cold', { startedAt: nowMs - i * DAY_MS }));
      await count(calls);
      await world.admin.del('ct2:{u-cold}');
      const range = { from: startOf(nowMs) - 39 * DAY_MS, until: nowMs + 1 };
      const cold = await answer('u-cold', range, 'week', nowMs);
      t.equal(cold.source, 'mongo');
      t.strictSame(cold.tallies, seriesOracle(calls, range, 'week'));
      await filler.idle();
      const warm = await answer('u-cold', range, 'week', nowMs);
      t.equal(warm.source, 'counters');
      t.strictSame(warm.tallies, cold.tallies);
    },
  );

  await t.test(
    'an answer from both is of one cut: rows that are not applied yet are in no bucket',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const day = startOf(nowMs) - 5 * DAY_MS;
      const { counted, late, count } = await halfCounted(day);
      const ranges = [
        { from: day + 15, until: day + 2 * DAY_MS },
        { from: day + 5, until: day + DAY_MS - 5 },
        { from: day + 15, until: day + DAY_MS + 500 },
        { from: day - 300 * DAY_MS, until: day + 15 },
      ];
      const isOf = async (calls: Call[]) => {
        for (const range of ranges) {
          for (const interval of INTERVALS) {
            const { source, tallies } = await answer('u-cut', range, interval, nowMs);
            t.equal(source, 'counters+mongo');
            t.strictSame(tallies, seriesOracle(calls, range, interval));
          }
        }
      };
      await isOf(counted);
      await count();
      await isOf([...counted, ...late]);
    },
  );

  await t.test(
    'neither a reader whose clock is behind nor a dashboard takes a bucket from before the user was counted for whole',
    async (t) => {
      const nowMs = Date.now();
      const calls = Array.from({ length: 250 }, (_, i) =>
        callOf('u-behind', { startedAt: nowMs - i * DAY_MS }),
      );
      await count(calls);
      const clock = nowMs - 70 * DAY_MS;
      const range = { from: startOf(clock) - 90 * DAY_MS, until: startOf(clock) - DAY_MS };
      for (const interval of INTERVALS) {
        const { source, tallies } = await answer('u-behind', range, interval, clock);
        t.equal(source, 'counters+mongo');
        t.strictSame(tallies, seriesOracle(calls, range, interval));
      }
      const dashboard = await reader.read('u-behind', range, clock);
      t.strictSame(dashboard.range, dashboardOracle(calls, range, clock).range);
    },
  );

  await t.test('a call ahead of the clock is not in a range that ends now', async (t) => {
    const nowMs = startOf(Date.now()) + DAY_MS / 2;
    const calls = [
      callOf('u-ahead', { startedAt: nowMs - 5 }),
      callOf('u-ahead', { startedAt: nowMs + 240_000 }),
    ];
    await count(calls);
    for (const [clock, source] of [
      [nowMs, 'counters+mongo'],
      [nowMs + 240_000, 'counters'],
    ] as const) {
      const range = { from: startOf(nowMs) - 30 * DAY_MS, until: clock + 1 };
      const given = await answer('u-ahead', range, 'day', clock);
      t.strictSame(given.tallies, seriesOracle(calls, range, 'day'));
      t.equal(given.source, source);
      t.equal(dashboardOracle(calls, range, clock).range.calls, given.tallies.at(-1)?.calls);
    }
  });

  await t.test('Mongo gone: whole days from counters, the rest is LEDGER_UNAVAILABLE', async (t) => {
    const nowMs = startOf(Date.now()) + DAY_MS / 2;
    const calls = [
      callOf('u-gone', { startedAt: nowMs - 1 }),
      callOf('u-gone', { startedAt: nowMs - 9 * DAY_MS }),
    ];
    await count(calls);
    const uri = 'mongodb://127.0.0.1:1';
    const nowhere = openStore({ uri, database: 'none', timeoutMs: 300, selectionTimeoutMs: 200 });
    t.teardown(() => nowhere.close());
    const { series } = await testReader(t, world, nowhere);
    const read = (userId: string, range: Range) => series.read(userId, range, seriesOf(range, 'day'), nowMs);
    const unavailable = { name: 'LedgerError', code: 'LEDGER_UNAVAILABLE', retryable: true };
    const window = { from: startOf(nowMs) - 30 * DAY_MS, until: nowMs + 1 };
    const { source, tallies } = await read('u-gone', window);
    t.equal(source, 'counters');
    t.strictSame(tallies, seriesOracle(calls, window, 'day'));
    await t.rejects(read('u-gone', { from: nowMs - 9 * DAY_MS, until: nowMs - 4 * DAY_MS + 7 }), unavailable);
    await t.rejects(read('u-cold-and-gone', window), unavailable);

    await world.redis.stop();
    const rows = await answer('u-gone', window, 'day', nowMs);
    t.equal(rows.source, 'mongo', 'Redis gone: from rows');
    t.strictSame(rows.tallies, tallies);
    await t.rejects(read('u-gone', window), unavailable, 'both gone');
  });
});
