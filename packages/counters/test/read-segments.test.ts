import { strict as assert } from 'node:assert';
import {
  DAY_MS,
  dayOf,
  dayOfMonth,
  isoWeekYear,
  monthOf,
  type SeriesSegment,
  weekOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { applyEvents, type CountableEvent, forgetUsers, readBuckets, readSegments } from '../src/index.ts';
import { holds, tallyOf, testCounters, warm } from './support.ts';

const START = Date.UTC(2024, 11, 20);
const FIRST_MONDAY = Date.UTC(1969, 11, 29);

/** Months, days of months and weeks of ISO years around the turn of a year, from first to last. */
const someUnit = fc
  .record({
    kind: fc.constantFrom('month', 'days', 'weeks'),
    ahead: fc.integer({ min: -3, max: 3 }),
    a: fc.integer({ min: 1, max: 31 }),
    b: fc.integer({ min: 1, max: 31 }),
  })
  .map(({ kind, ahead, a, b }): SeriesSegment => {
    const month = monthOf(dayOf(START)) + ahead;
    if (kind === 'month') return { kind, month };
    if (kind === 'days') return { kind, month, first: Math.min(a, b), last: Math.max(a, b) };
    const first = weekOf(dayOf(START)) + 2 * ahead;
    // The turn of the ISO year 2025 is 2024-12-30.
    const isoYear = isoWeekYear(first);
    const lastOfYear = isoYear === 2024 ? weekOf(dayOf(Date.UTC(2024, 11, 29))) : first + 40;
    return { kind: 'weeks', isoYear, first, last: Math.min(first + a - 1, lastOfYear) };
  });

/** The expected tallies of a segment, by the calendar of Date. */
function unitOracle(events: readonly CountableEvent[], unit: SeriesSegment) {
  const count = unit.kind === 'month' ? 1 : unit.last - unit.first + 1;
  return Array.from({ length: count }, (_, i) =>
    tallyOf(
      events.filter(({ startedAt }) => {
        if (unit.kind === 'weeks')
          return Math.floor((startedAt - FIRST_MONDAY) / (7 * DAY_MS)) === unit.first + i;
        const date = new Date(startedAt);
        const isInMonth = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth() === unit.month;
        return isInMonth && (unit.kind === 'month' || date.getUTCDate() === unit.first + i);
      }),
    ),
  );
}

test('reading days, weeks and months one by one', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const apply = (userId: string, events: CountableEvent[], partition = '0:0') =>
    applyEvents(session, generations, partition, [{ userId, events }]);
  const read = (userId: string, units: readonly SeriesSegment[], nowMs = START) =>
    readSegments(session, generations, userId, nowMs, units);

  await t.test('any segments, by any clock, between any events, equal those of a plain model', async (t) => {
    const event = fc.record({
      startedAt: fc.integer({ min: START - 60 * DAY_MS, max: START + 60 * DAY_MS }),
      durationMs: fc.nat(100_000),
    });
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 4 }),
      fc.array(someUnit, { maxLength: 6 }),
      fc.integer({ min: -45, max: 45 }),
      async (batches, units, ahead) => {
        run += 1;
        const userId = `u-units-${run}`;
        await warm(counters, [userId], START);
        const counted: CountableEvent[] = [];
        for (const batch of batches) {
          const events = batch.map((event, i) => ({ ...event, offset: counted.length + i }));
          await apply(userId, events);
          counted.push(...events);
          const reading = (await read(userId, units, START + ahead * DAY_MS))!;
          assert.deepEqual(
            reading.values,
            units.map((unit) => unitOracle(counted, unit)),
          );
          assert.deepEqual(reading.appliedThrough, new Map([['0:0', counted.length - 1]]));
          assert.equal(
            reading.available.lastStartedAt,
            Math.max(...counted.map(({ startedAt }) => startedAt)),
          );
        }
      },
    );
    await holds(t, property, 100);
  });

  await t.test('availability and applied through are the same as from readBuckets', async (t) => {
    await warm(counters, ['u-told'], START);
    await apply('u-told', [{ offset: 4, startedAt: START, durationMs: 1 }]);
    await apply('u-told', [{ offset: 9, startedAt: START - 1, durationMs: 1 }], '2:11');
    for (const nowMs of [START, START + 800 * DAY_MS]) {
      const { available, appliedThrough: applied } = (await read('u-told', [], nowMs))!;
      const buckets = await readBuckets(session, generations, 'u-told', nowMs, []);
      t.strictSame(
        { available, applied },
        { available: buckets?.available, applied: buckets?.appliedThrough },
      );
    }
    t.strictSame(
      (await read('u-told', []))?.appliedThrough,
      new Map([
        ['0:0', 4],
        ['2:11', 9],
      ]),
    );
  });

  await t.test('sums beyond 2^31 ms keep all their digits', async (t) => {
    await warm(counters, ['u-long'], START);
    const durationMs = 604_800_000;
    await apply(
      'u-long',
      Array.from({ length: 3_000 }, (_, offset) => ({ offset, startedAt: START, durationMs })),
    );
    const month = monthOf(dayOf(START));
    const week = weekOf(dayOf(START));
    const all = [{ calls: 3_000, durationMs: 3_000 * durationMs }];
    t.strictSame(
      (
        await read('u-long', [
          { kind: 'month', month },
          { kind: 'days', month, first: 20, last: 20 },
          { kind: 'weeks', isoYear: 2024, first: week, last: week },
        ])
      )?.values,
      [all, all, all],
    );
  });

  await t.test('a thousand days and ten years of months are read at once', async (t) => {
    const nowMs = Date.UTC(2026, 2, 28);
    await warm(counters, ['u-many'], nowMs);
    const starts = Array.from({ length: 1_000 }, (_, ago) => nowMs - ago * DAY_MS).reverse();
    await apply(
      'u-many',
      starts.map((startedAt, offset) => ({ offset, startedAt, durationMs: offset })),
    );
    const months = [...new Set(starts.map((ms) => monthOf(dayOf(ms))))];
    const units = months.map((month): SeriesSegment => {
      const days = starts.filter((ms) => monthOf(dayOf(ms)) === month).map((ms) => dayOfMonth(dayOf(ms)));
      return { kind: 'days', month, first: days[0]!, last: days.at(-1)! };
    });
    t.strictSame(
      (await read('u-many', units, nowMs))?.values.flat(),
      starts.map((_, offset) => ({ calls: 1, durationMs: offset })),
    );
    const everyMonth = Array.from(
      { length: 120 },
      (_, i): SeriesSegment => ({ kind: 'month', month: months[0]! - 80 + i }),
    );
    const values = (await read('u-many', everyMonth, nowMs))?.values.flat();
    t.equal(
      values?.reduce((sum, { calls }) => sum + calls, 0),
      1_000,
    );
  });

  await t.test(
    'a user who is absent, forgotten or of another generation is unknown, never zero',
    async (t) => {
      const unit: SeriesSegment = { kind: 'month', month: monthOf(dayOf(START)) };
      t.equal(await read('u-nobody', [unit]), undefined);
      await warm(counters, ['u-cold', 'u-old'], START);
      t.strictSame((await read('u-cold', [unit]))?.values, [[{ calls: 0, durationMs: 0 }]]);
      t.equal((await read('u-cold', []))?.available.lastStartedAt, -1);
      await forgetUsers(session, ['u-cold']);
      t.equal(await read('u-cold', [unit]), undefined);
      await admin.hset('ct2:{u-old}', 'g', 'another');
      t.equal(await read('u-old', [unit]), undefined);
      await admin.hset('ct2:{u-old}', 'g', [...generations.values()][0]!.id);
      await admin.hdel('ct2:{u-old}', 'w');
      t.equal(await read('u-old', [unit]), undefined, 'nor is one that is not complete');
    },
  );
});
