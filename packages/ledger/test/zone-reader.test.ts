import { strict as assert } from 'node:assert';
import {
  addTallies,
  type Call,
  type DashboardWindows,
  dashboardWindows,
  type Range,
  SERIES_INTERVALS,
  sumTallies,
  type Tally,
  zoneSeriesOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import type { AnswerSource } from '../src/index.ts';
import { readArbitraries, readingWorld, startOf } from './reading-world.ts';
import { callOf, DAY_MS, holds } from './support.ts';

const ZONES = [
  'Europe/Berlin',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'Africa/Abidjan',
];

function tallyOf(calls: readonly Call[], { from, until }: Range): Tally {
  const inside = calls.filter(({ startedAt }) => startedAt >= from && startedAt < until);
  return sumTallies(inside.map(({ durationMs }) => ({ calls: 1, durationMs })));
}

function dashboardOracle(
  calls: readonly Call[],
  range: Range,
  { today, thisWeek, thisMonth }: DashboardWindows,
) {
  return {
    range: tallyOf(calls, range),
    today: tallyOf(calls, today).calls,
    thisWeek: tallyOf(calls, thisWeek).calls,
    thisMonth: tallyOf(calls, thisMonth).calls,
  };
}

test('dashboards and time series in time zones, of any calls, ranges and users: always those of plain arrays', async (t) => {
  const { world, count, reader, series, cells, filler } = await readingWorld(t);
  const nowMs = Date.now();
  const seen = new Map<string, number>();
  const { someTime, cold, clock } = readArbitraries(nowMs);
  const someRead = fc.record({
    cold,
    clock,
    zone: fc.constantFrom(...ZONES),
    interval: fc.constantFrom(...SERIES_INTERVALS),
    range: fc.oneof(
      fc
        .tuple(someTime, someTime)
        .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) + 1 })),
      fc
        .tuple(someTime, fc.integer({ min: 1, max: 30 }))
        .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
      fc.constant<Range>({ from: nowMs - 200 * DAY_MS, until: nowMs + 200 * DAY_MS }),
    ),
  });
  const labels = fc.record({ status: fc.constantFrom('completed', 'failed') });
  const someCall = fc.record({ startedAt: someTime, durationMs: fc.nat(1_000_000), labels });
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(fc.array(someCall, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
    fc.array(someRead, { minLength: 1, maxLength: 4 }),
    async (batches, reads) => {
      run += 1;
      const userId = `u-zone-${run}`;
      const calls: Call[] = [];
      for (const batch of batches) {
        const more = batch.map(({ labels, ...call }) => ({ ...callOf(userId, call), ...labels }));
        await count(more);
        calls.push(...more);
        for (const { cold, clock, zone, interval, range: asked } of reads) {
          if (cold) await world.admin.del(`ct2:{${userId}}`);
          const longest = interval === 'hour' ? 40 * DAY_MS : Infinity;
          const range = { from: asked.from, until: Math.min(asked.until, asked.from + longest) };
          const windows = dashboardWindows(clock, zone);
          const zoned = zoneSeriesOf(range, interval, zone);
          const seriesOracle = (some: readonly Call[]) =>
            zoned.buckets.map(({ from, until }) =>
              tallyOf(some, { from: Math.max(from, range.from), until: Math.min(until, range.until) }),
            );
          const dashboard = await reader.read(userId, range, clock, undefined, windows);
          const { source, tallies } = await series.read(userId, range, zoned, clock);
          if (source === 'mongo') await filler.idle();
          const { range: total, today, thisWeek, thisMonth } = dashboard;
          assert.deepEqual(
            { range: total, today, thisWeek, thisMonth },
            dashboardOracle(calls, range, windows),
          );
          assert.deepEqual(tallies, seriesOracle(calls));
          assert.deepEqual(addTallies(...tallies), total);

          const failed = calls.filter(({ status }) => status === 'failed');
          const filter = { status: ['failed'] };
          const filtered = await cells.dashboard(userId, range, filter, clock, undefined, windows);
          assert.deepEqual(
            { ...filtered, source: undefined, asOfMs: undefined },
            { ...dashboardOracle(failed, range, windows), source: undefined, asOfMs: undefined },
          );
          const ofFailed = await cells.series(userId, range, zoned, filter, clock);
          assert.deepEqual(ofFailed.tallies, seriesOracle(failed));
          for (const one of [dashboard.source, source, filtered.source, ofFailed.source]) {
            seen.set(one, (seen.get(one) ?? 0) + 1);
          }
        }
      }
    },
  );
  await holds(t, property, 60);
  for (const source of ['counters', 'counters+mongo', 'mongo'] satisfies AnswerSource[]) {
    t.ok((seen.get(source) ?? 0) > 10, `${source}: ${seen.get(source)} answers`);
  }
});
