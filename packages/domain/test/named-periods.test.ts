import { isDeepStrictEqual } from 'node:util';
import {
  DAY_MS,
  DateRangeError,
  dayOf,
  NAMED_PERIODS,
  type NamedPeriod,
  parseDateRange,
  previousRange,
  type Range,
  rangeBeforePeriod,
  rangeOfPeriod,
  startOfDay,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const FIRST = at('2000-01-01');
const LAST = at('2040-12-31');

/** Midnights, also of Mondays and of the first of a month or year, to the millisecond; and any time. */
const nows = fc.oneof(
  fc.integer({ min: FIRST, max: LAST }),
  fc
    .tuple(fc.integer({ min: 2000, max: 2039 }), fc.nat(11), fc.integer({ min: 1, max: 8 }), fc.nat(2))
    .map(([year, month, day, off]) => Date.UTC(year, month, day) + off - 1),
  fc.integer({ min: FIRST / 1000, max: LAST / 1000 }).map((second) => second * 1000),
);
const periods = fc.constantFrom(...NAMED_PERIODS);

/** The first instants of the unit that holds `nowMs` and of the two before, by Date; of days as many as are meant. */
function beginsOf(period: NamedPeriod, nowMs: number): [now: number, before: number, beforeThat: number] {
  const now = new Date(nowMs);
  const [year, month, date] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const monday = date - ((now.getUTCDay() + 6) % 7);
  if (/day/.test(period)) return [date, date - 1, date - 2].map((day) => Date.UTC(year, month, day)) as never;
  if (/week/.test(period)) {
    return [monday, monday - 7, monday - 14].map((day) => Date.UTC(year, month, day)) as never;
  }
  if (/month/.test(period)) return [month, month - 1, month - 2].map((of) => Date.UTC(year, of)) as never;
  return [year, year - 1, year - 2].map((of) => Date.UTC(of, 0)) as never;
}

function expected(period: NamedPeriod, nowMs: number): { range: Range; before: Range } {
  if (/^\d+d$/.test(period)) {
    const now = new Date(nowMs);
    const first = now.getUTCDate() - Number.parseInt(period, 10) + 1;
    const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), first);
    return {
      range: { from, until: nowMs + 1 },
      before: { from: from - (nowMs + 1 - from), until: from },
    };
  }
  const [begin, before, beforeThat] = beginsOf(period, nowMs);
  if (/^last_|^yesterday$/.test(period)) {
    return { range: { from: before, until: begin }, before: { from: beforeThat, until: before } };
  }
  const passed = nowMs + 1 - begin;
  return {
    range: { from: begin, until: nowMs + 1 },
    before: { from: before, until: Math.min(before + passed, begin) },
  };
}

test('each period is what Date says, and so is the period before', async () => {
  fc.assert(
    fc.property(periods, nows, (period, nowMs) => {
      const found = { range: rangeOfPeriod(period, nowMs), before: rangeBeforePeriod(period, nowMs) };
      return isDeepStrictEqual(found, expected(period, nowMs));
    }),
    { numRuns: 5_000 },
  );
});

test('the dates shown of a period, and of the range before any range, mean the same range', async () => {
  const sentBack = (nowMs: number, { startDate, endDate }: { startDate: string; endDate: string }) =>
    parseDateRange({ start_date: startDate, end_date: endDate }, nowMs);
  const dates = fc.record({
    start_date: fc.option(
      nows.map((ms) => new Date(ms).toISOString()),
      { nil: undefined },
    ),
    end_date: fc.option(
      nows.map((ms) => new Date(ms + 40 * 366 * DAY_MS).toISOString().slice(0, 10)),
      { nil: undefined },
    ),
  });
  const inputs = fc.oneof(
    dates,
    periods.map((period) => ({ period })),
  );
  fc.assert(
    fc.property(inputs, nows, (input, nowMs) => {
      let range: ReturnType<typeof parseDateRange>;
      try {
        range = parseDateRange(input, nowMs);
      } catch (thrown) {
        return thrown instanceof DateRangeError && thrown.code === 'START_AFTER_END';
      }
      const endsNow = range.until === nowMs + 1;
      // A now at a whole second is shown as one, and that takes in all of it.
      const until = endsNow && nowMs % 1000 === 0 ? nowMs + 1000 : range.until;
      const previous = previousRange(input, range, nowMs);
      return (
        isDeepStrictEqual(sentBack(nowMs, range), { ...range, until }) &&
        isDeepStrictEqual(sentBack(nowMs, previous), previous)
      );
    }),
    { numRuns: 5_000 },
  );
});

test('the range before other ranges is as long, and ends where they begin', async () => {
  const some = fc.record({ from: nows, lengthMs: fc.integer({ min: 1, max: 500 * DAY_MS }) });
  fc.assert(
    fc.property(some, nows, ({ from, lengthMs }, nowMs) => {
      const previous = previousRange({}, { from, until: from + lengthMs }, nowMs);
      return previous.until === from && previous.until - previous.from === lengthMs;
    }),
  );
});

test('the range before never reaches into the range, and is never empty', async () => {
  fc.assert(
    fc.property(periods, nows, (period, nowMs) => {
      const [range, before] = [rangeOfPeriod(period, nowMs), rangeBeforePeriod(period, nowMs)];
      return before.from < before.until && before.until <= range.from && range.from <= nowMs;
    }),
  );
});

test('days may begin elsewhere than in UTC', async () => {
  fc.assert(
    fc.property(periods, nows, fc.integer({ min: -840, max: 840 }), (period, nowMs, minutes) => {
      const ahead = minutes * 60_000;
      const calendar = {
        dayAt: (ms: number) => dayOf(ms + ahead),
        startOfDay: (day: number) => startOfDay(day) - ahead,
      };
      const moved = ({ from, until }: Range) => ({ from: from - ahead, until: until - ahead });
      return (
        isDeepStrictEqual(
          rangeOfPeriod(period, nowMs, calendar),
          moved(rangeOfPeriod(period, nowMs + ahead)),
        ) &&
        isDeepStrictEqual(
          rangeBeforePeriod(period, nowMs, calendar),
          moved(rangeBeforePeriod(period, nowMs + ahead)),
        )
      );
    }),
  );
});

test('examples, as the documentation says it', async (t) => {
  const nowMs = at('2026-03-31T12:00:00.250Z');
  const shown = (input: Parameters<typeof parseDateRange>[0]) => {
    const range = parseDateRange(input, nowMs);
    const previous = previousRange(input, range, nowMs);
    return [range, previous].map(({ startDate, endDate }) => `${startDate} ${endDate}`);
  };
  t.strictSame(shown({ period: 'today' }), [
    '2026-03-31T00:00:00Z 2026-03-31T12:00:00.250Z',
    '2026-03-30T00:00:00Z 2026-03-30T12:00:00.250Z',
  ]);
  t.strictSame(
    shown({ period: 'this_month' }),
    ['2026-03-01T00:00:00Z 2026-03-31T12:00:00.250Z', '2026-02-01T00:00:00Z 2026-02-28T23:59:59Z'],
    'a shorter month before is a whole one',
  );
  t.strictSame(shown({ period: 'last_month' }), [
    '2026-02-01T00:00:00Z 2026-02-28T23:59:59Z',
    '2026-01-01T00:00:00Z 2026-01-31T23:59:59Z',
  ]);
  t.strictSame(shown({ period: 'last_week' }), [
    '2026-03-23T00:00:00Z 2026-03-29T23:59:59Z',
    '2026-03-16T00:00:00Z 2026-03-22T23:59:59Z',
  ]);
  t.strictSame(shown({ period: '7d' }), [
    '2026-03-25T00:00:00Z 2026-03-31T12:00:00.250Z',
    '2026-03-18T11:59:59.749Z 2026-03-24T23:59:59Z',
  ]);
  t.strictSame(
    shown({ start_date: '2026-03-01', end_date: '2026-03-31' }),
    ['2026-03-01T00:00:00Z 2026-03-31T23:59:59Z', '2026-01-29T00:00:00Z 2026-02-28T23:59:59Z'],
    'as many days, not the month before',
  );
});

test('what cannot be used is refused', async (t) => {
  const given = { period: 'today' as const };
  const refused = (parameter: string, message: RegExp) => ({
    name: 'DateRangeError',
    code: 'INVALID_PARAMETER',
    parameter,
    message,
  });
  for (const date of ['start_date', 'end_date']) {
    t.throws(
      () => parseDateRange({ ...given, [date]: '2026-03-01' }, 0),
      refused('period', new RegExp(`period and ${date} are both given\\. Give one or the other`)),
    );
  }
  const early = { start_date: '0001-01-01', end_date: '0001-01-01' };
  t.throws(
    () => previousRange(early, parseDateRange(early, 0), 0),
    refused('compare', /before the year 0001/),
  );
});
