import { strict as assert } from 'node:assert';
import { dayOf, dayOfMonth, firstDayOfMonth, monthOf, type Segment } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { applyEvents, type CountableEvent, readBuckets, readWindowSums } from '../src/index.ts';
import { DAY_MS, holds, oracle, saidBy, tallyOf, testCounters, warm } from './support.ts';

const START = Date.UTC(2024, 11, 20);

/** Months and days of months, from first to last day. */
const someBucket = fc
  .tuple(
    fc.integer({ min: -3, max: 3 }),
    fc.boolean(),
    fc.integer({ min: 1, max: 31 }),
    fc.integer({ min: 1, max: 31 }),
  )
  .map(([ahead, whole, a, b]): Segment => {
    const month = monthOf(dayOf(START)) + ahead;
    return whole
      ? { kind: 'month', month }
      : { kind: 'days', month, first: Math.min(a, b), last: Math.max(a, b) };
  });

function bucketOracle(events: CountableEvent[], buckets: Segment[]) {
  return tallyOf(
    buckets.flatMap((bucket) =>
      events.filter(({ startedAt }) => {
        const date = new Date(startedAt);
        if ((date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth() !== bucket.month) return false;
        return (
          bucket.kind === 'month' || (date.getUTCDate() >= bucket.first && date.getUTCDate() <= bucket.last)
        );
      }),
    ),
  );
}

test('reading counters', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const apply = (userId: string, events: CountableEvent[]) =>
    applyEvents(session, generations, '0:0', [{ userId, events }]);

  await t.test(
    'sums of any buckets, by any clock, between any events, equal those of a plain model',
    async (t) => {
      const event = fc.record({
        startedAt: fc.integer({ min: START - 60 * DAY_MS, max: START + 60 * DAY_MS }),
        durationMs: fc.nat(100_000),
      });
      const happening = fc.oneof(
        fc.record({ events: fc.array(event, { minLength: 1, maxLength: 6 }) }),
        fc.record({
          day: fc.integer({ min: -45, max: 45 }),
          buckets: fc.array(someBucket, { maxLength: 4 }),
        }),
        // Neighbouring days, as at midnight with clocks that disagree.
        fc.record({ day: fc.integer({ min: -1, max: 1 }), buckets: fc.constant<Segment[]>([]) }),
      );
      let run = 0;
      const property = fc.asyncProperty(
        fc.array(happening, { minLength: 2, maxLength: 20 }),
        async (happenings) => {
          run += 1;
          const userId = `u-clock-${run}`;
          await warm(counters, [userId], START);
          const counted: CountableEvent[] = [];
          for (const one of happenings) {
            if ('events' in one) {
              const events = one.events.map((event, i) => ({ ...event, offset: counted.length + i }));
              await apply(userId, events);
              counted.push(...events);
              continue;
            }
            const nowMs = START + one.day * DAY_MS + 3_600_000;
            const expected = oracle(counted, nowMs);
            const ready = saidBy(await readWindowSums(session, generations, userId, nowMs));
            if (ready !== undefined) assert.deepEqual(ready, expected, 'kept ready');
            const reading = (await readBuckets(session, generations, userId, nowMs, one.buckets))!;
            const { available, range, appliedThrough: applied, hasCorrections, ...sums } = reading;
            assert.deepEqual({ ...sums, lastStartedAt: available.lastStartedAt }, expected);
            assert.deepEqual(range, bucketOracle(counted, one.buckets));
            assert.deepEqual(
              applied,
              counted.length === 0 ? new Map() : new Map([['0:0', counted.length - 1]]),
            );
            assert.deepEqual(
              saidBy(await readWindowSums(session, generations, userId, nowMs)),
              expected,
              'window sums',
            );
          }
        },
      );
      await holds(t, property, 120);
    },
  );

  await t.test(
    'day, week, month and window are right on every day around the turn of any year and leap days',
    async (t) => {
      const years = [2020, 2021, 2022, 2023, 2024, 2025];
      const events: CountableEvent[] = [];
      for (const year of years) {
        const spans = [
          [Date.UTC(year, 11, 24), 16],
          [Date.UTC(year, 1, 25), 8],
        ] as const;
        for (const [from, days] of spans) {
          for (let day = 0; day < days; day++) {
            for (const at of [0, DAY_MS / 2, DAY_MS - 1]) {
              events.push({
                offset: events.length,
                startedAt: from + day * DAY_MS + at,
                durationMs: 1 + events.length,
              });
            }
          }
        }
      }
      await warm(counters, ['u-years'], Date.UTC(2026, 0));
      await apply('u-years', events);
      const starts = [...new Set(events.map(({ startedAt }) => Math.floor(startedAt / DAY_MS)))];
      for (const day of starts) {
        for (const nowMs of [day * DAY_MS, (day + 1) * DAY_MS - 1]) {
          const {
            available,
            range,
            appliedThrough: applied,
            hasCorrections,
            ...sums
          } = (await readBuckets(session, generations, 'u-years', nowMs, []))!;
          assert.deepEqual(
            { ...sums, lastStartedAt: available.lastStartedAt },
            oracle(events, nowMs),
            new Date(nowMs).toISOString(),
          );
          assert.deepEqual(
            saidBy(await readWindowSums(session, generations, 'u-years', nowMs)),
            oracle(events, nowMs),
          );
        }
      }
      t.pass(`${starts.length} days`);
      const february = firstDayOfMonth((2024 - 1970) * 12 + 1);
      t.equal(dayOfMonth(february + 28), 29);
    },
  );

  await t.test('window sums that were kept true equal sums that are added up again', async (t) => {
    const nowMs = Date.UTC(2025, 0, 2, 12);
    await warm(counters, ['u-moved'], nowMs);
    await readBuckets(session, generations, 'u-moved', nowMs, []);
    const events = Array.from({ length: 120 }, (_, offset) => ({
      offset,
      startedAt: nowMs + Math.floor((offset - 80) * 0.75 * DAY_MS),
      durationMs: offset * 1001,
    }));
    for (let at = 0; at < events.length; at += 7) {
      await apply('u-moved', events.slice(at, at + 7));
      const ready = saidBy(await readWindowSums(session, generations, 'u-moved', nowMs));
      t.strictSame(ready, oracle(events.slice(0, at + 7), nowMs));
    }
    const moved = await readWindowSums(session, generations, 'u-moved', nowMs);
    await admin.hdel('ct2:{u-moved}', 'r');
    t.equal(await readWindowSums(session, generations, 'u-moved', nowMs), undefined);
    await readBuckets(session, generations, 'u-moved', nowMs, []);
    t.strictSame(await readWindowSums(session, generations, 'u-moved', nowMs), moved);
  });

  await t.test('without a call all sums are zero and no start is known', async (t) => {
    await warm(counters, ['u-none'], START);
    const reading = await readBuckets(session, generations, 'u-none', START, [{ kind: 'month', month: 600 }]);
    t.match(reading, {
      today: 0,
      thisWeek: 0,
      thisMonth: 0,
      window: { calls: 0, durationMs: 0 },
      range: { calls: 0, durationMs: 0 },
    });
    t.equal(reading!.available.lastStartedAt, -1);
    t.equal(await readBuckets(session, generations, 'u-unknown', START, []), undefined);
    t.equal(await readWindowSums(session, generations, 'u-unknown', START), undefined);
  });

  await t.test('a full Redis can still be read, and the session goes on', async (t) => {
    await warm(counters, ['u-full'], START);
    await apply('u-full', [{ offset: 0, startedAt: START, durationMs: 7 }]);
    await admin.config('SET', 'maxmemory', '1');
    try {
      const reading = await readBuckets(session, generations, 'u-full', START, []);
      t.match(reading, { today: 1, window: { calls: 1, durationMs: 7 } });
      t.equal(session.isOpen, true);
    } finally {
      await admin.config('SET', 'maxmemory', '0');
    }
  });

  await t.test('many reads in one turn are all answered right', async (t) => {
    const users = Array.from({ length: 50 }, (_, i) => `u-pipe-${i}`);
    await warm(counters, users, START);
    await applyEvents(
      session,
      generations,
      '0:0',
      users.map((userId, i) => ({
        userId,
        events: Array.from({ length: i + 1 }, (_, offset) => ({ offset, startedAt: START, durationMs: 1 })),
      })),
    );
    const read = () =>
      Promise.all(
        users.map(
          async (userId, i) =>
            (i % 2 === 0 ? await readWindowSums(session, generations, userId, START) : undefined) ??
            (await readBuckets(session, generations, userId, START, [])),
        ),
      );
    for (const round of [await read(), await read()]) {
      t.strictSame(
        round.map((one) => one!.today),
        users.map((_, i) => i + 1),
      );
    }
  });
});
