import { strict as assert } from 'node:assert';
import {
  addTallies,
  type Call,
  type CallVersion,
  type DashboardWindows,
  dashboardWindows,
  isDeleted,
  type Range,
  SERIES_INTERVALS,
  sumTallies,
  type Tally,
  zoneCalendar,
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
  const fromCounters = { dashboards: 0, series: 0 };
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
          if (zone !== 'Africa/Abidjan' && dashboard.source === 'counters') fromCounters.dashboards += 1;
          if (interval === 'hour' || (interval === 'day' && zone !== 'Africa/Abidjan')) {
            if (source === 'counters') fromCounters.series += 1;
          }
          for (const one of [dashboard.source, source, filtered.source, ofFailed.source]) {
            seen.set(one, (seen.get(one) ?? 0) + 1);
          }
        }
      }
    },
  );
  await holds(t, property, 60);
  for (const source of ['counters', 'counters+mongo', 'mongo'] satisfies AnswerSource[]) {
    t.ok(seen.has(source), `${source}: ${seen.get(source)} answers`);
  }
  for (const [what, count] of Object.entries(fromCounters)) {
    t.ok(count > 0, `${count} ${what}, not of UTC days, were of counters alone`);
  }
});

/** The version of each call that counts, of the highest revision. No two have the same one. */
function winnersOf(versions: readonly CallVersion[]): Call[] {
  const highest = new Map<string, CallVersion>();
  for (const version of versions) {
    const known = highest.get(version.callId);
    if ((known?.revision ?? -1) < (version.revision ?? 0)) highest.set(version.callId, version);
  }
  return [...highest.values()].filter((version): version is Call => !isDeleted(version));
}

test('whole local days and hours, of calls that were corrected, come from counters alone', async (t) => {
  const { count, reader, series } = await readingWorld(t);
  const nowMs = Date.now();
  const DAYS = 40;
  const read = async (userId: string, calls: readonly Call[], zone: string, ago: number, days: number) => {
    const calendar = zoneCalendar(zone);
    const today = calendar.dayAt(nowMs);
    const range = {
      from: calendar.startOfDay(today - ago),
      until: calendar.startOfDay(today - ago + days),
    };
    const windows = dashboardWindows(nowMs, zone);
    const { asOfMs, source, ...told } = await reader.read(userId, range, nowMs, undefined, windows);
    assert.deepEqual(told, dashboardOracle(calls, range, windows), `${zone}, ${ago} days ago`);
    const sources = [source];
    for (const interval of SERIES_INTERVALS) {
      const zoned = zoneSeriesOf(range, interval, zone);
      const answer = await series.read(userId, range, zoned, nowMs);
      assert.deepEqual(
        answer.tallies,
        zoned.buckets.map(({ from, until }) =>
          tallyOf(calls, { from: Math.max(from, range.from), until: Math.min(until, range.until) }),
        ),
        `${zone}, ${ago} days ago, by ${interval}`,
      );
      sources.push(answer.source);
    }
    return sources;
  };
  const HALF_HOURS = ['Asia/Kolkata', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'UTC'];
  const someStart = fc.oneof(
    fc.integer({ min: nowMs - DAYS * DAY_MS, max: nowMs }),
    fc
      .record({ zone: fc.constantFrom(...ZONES), ago: fc.nat(DAYS), off: fc.constantFrom(-1, 0, 1) })
      .map(({ zone, ago, off }) => {
        const calendar = zoneCalendar(zone);
        return calendar.startOfDay(calendar.dayAt(nowMs) - ago) + off;
      }),
  );
  const version = fc.record({
    call: fc.nat(7),
    isTaken: fc.integer({ min: 0, max: 4 }).map((die) => die === 0),
    startedAt: someStart,
    durationMs: fc.nat(1_000_000),
  });
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(version, { minLength: 1, maxLength: 20 }),
    fc.infiniteStream(fc.nat(99)),
    fc.array(
      fc.record({
        zone: fc.constantFrom(...HALF_HOURS),
        ago: fc.nat(30),
        days: fc.integer({ min: 1, max: 20 }),
      }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    async (given, chances, reads) => {
      run += 1;
      const userId = `u-corrected-${run}`;
      const versions = given.map(({ call, isTaken, ...rest }, revision): CallVersion => {
        const id = { callId: `c-${run}-${call}`, userId, revision };
        return isTaken ? { ...id, deleted: true } : { ...id, ...rest };
      });
      const inAnyOrder = versions
        .map((one) => ({ one, chance: chances.next().value as number }))
        .sort((a, b) => a.chance - b.chance)
        .map(({ one }) => one);
      const half = Math.ceil(inAnyOrder.length / 2);
      for (const [from, until] of [
        [0, half],
        [half, inAnyOrder.length],
      ]) {
        await count(inAnyOrder.slice(from, until));
        const right = winnersOf(inAnyOrder.slice(0, until));
        for (const { zone, ago, days } of reads) {
          const sources = await read(userId, right, zone, ago, Math.min(days, ago + 1));
          assert.deepEqual(new Set(sources), new Set(['counters']));
        }
      }
    },
  );
  await holds(t, property, 40);

  const calls = [0, 1, 5, 30, 95, 100].map((ago) => callOf('u-old', { startedAt: nowMs - ago * DAY_MS }));
  await count(calls);
  for (const source of await read('u-old', calls, 'Asia/Kolkata', 110, 20)) {
    t.not(source, 'counters', 'half-hours lie no further back than days by cell');
  }
  const [dashboard, hours, days] = await read('u-old', calls, 'Asia/Kathmandu', 1, 2);
  t.strictSame(
    [dashboard, hours, days],
    ['counters+mongo', 'counters+mongo', 'counters+mongo'],
    'quarters are rows',
  );
});
