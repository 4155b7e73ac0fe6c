import { type SeriesInterval, zoneCalendar } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { firstShown, offsetAt, shownDate } from './zone-oracle.ts';

const at = (text: string) => Date.parse(text);
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
const instants = fc.integer({ min: at('2000-01-01'), max: at('2040-01-01') });
/** Changes unlike others: at midnight, by half an hour, or over a date. */
const odd = fc
  .constantFrom(
    ['America/St_Johns', '2009-11-01T02:31Z'],
    ['America/St_Johns', '2010-03-14T03:31Z'],
    ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
    ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
    ['Pacific/Apia', '2011-12-30T10:00Z'],
    ['America/Sao_Paulo', '2018-11-04T03:00Z'],
    ['America/Havana', '2026-11-01T05:00Z'],
    ['Africa/Casablanca', '2026-02-15T02:00Z'],
    ['Asia/Pyongyang', '2018-05-04T15:00Z'],
    ['America/Caracas', '2016-05-01T07:00Z'],
  )
  .chain(([zone, change]) =>
    fc.tuple(
      fc.constant(zone!),
      fc.integer({ min: -100, max: 100 }).map((minutes) => at(change!) + minutes * MINUTE_MS),
    ),
  );
const places = fc.oneof(fc.tuple(zones, instants), odd);

function startsOf(zone: string, from: string, until: string, interval: SeriesInterval): string[] {
  const range = { from: at(from), until: at(until) };
  return zoneCalendar(zone)
    .buckets(range, interval)
    .map(({ start }) => start);
}

test('buckets cover a range once, without gaps, and none lies beside it', async () => {
  const lengths = { hour: 3 * DAY_MS, day: 40 * DAY_MS, week: 200 * DAY_MS, month: 800 * DAY_MS };
  const intervals = fc.constantFrom(...(Object.keys(lengths) as SeriesInterval[]));
  fc.assert(
    fc.property(places, intervals, fc.nat(), ([zone, from], interval, random) => {
      const range = { from, until: from + 1 + (random % lengths[interval]) };
      const buckets = zoneCalendar(zone).buckets(range, interval);
      const [first, last] = [buckets[0]!, buckets.at(-1)!];
      return (
        first.from <= range.from &&
        first.until > range.from &&
        last.from < range.until &&
        last.until >= range.until &&
        buckets.every(({ from, until }, i) => from < until && (i === 0 || buckets[i - 1]!.until === from))
      );
    }),
    { numRuns: 500 },
  );
});

test('a day, week or month begins when its first date is first shown', async () => {
  const intervals = fc.constantFrom('day' as const, 'week' as const, 'month' as const);
  fc.assert(
    fc.property(places, intervals, ([zone, ms], interval) => {
      const [bucket] = zoneCalendar(zone).buckets({ from: ms, until: ms + 1 }, interval);
      const date = new Date(bucket!.start);
      if (interval === 'week' && date.getUTCDay() !== 1) return false;
      if (interval === 'month' && date.getUTCDate() !== 1) return false;
      const next = new Date(date);
      if (interval === 'month') next.setUTCMonth(next.getUTCMonth() + 1);
      else next.setUTCDate(next.getUTCDate() + (interval === 'day' ? 1 : 7));
      const isRight =
        bucket!.from === firstShown(zone, date.getTime()) &&
        bucket!.until === firstShown(zone, next.getTime());
      return isRight && bucket!.from <= ms && ms < bucket!.until;
    }),
    { numRuns: 400 },
  );
});

test('hours begin at full hours and where clocks change, and are shown with their offsets', async () => {
  fc.assert(
    fc.property(places, ([zone, ms]) => {
      const from = Math.floor(ms / MINUTE_MS) * MINUTE_MS;
      const starts: number[] = [];
      for (let minute = from; minute < from + 5 * HOUR_MS; minute += MINUTE_MS) {
        const offset = offsetAt(zone, minute);
        const isStart = (minute + offset) % HOUR_MS === 0 || offset !== offsetAt(zone, minute - MINUTE_MS);
        if (isStart) starts.push(minute);
      }
      const buckets = zoneCalendar(zone).buckets({ from, until: from + 5 * HOUR_MS }, 'hour');
      const inside = buckets.map((bucket) => bucket.from).filter((start) => start >= from);
      return (
        JSON.stringify(inside) === JSON.stringify(starts) &&
        buckets.every(
          ({ from, start }) =>
            at(start) === from && at(`${start.slice(0, 19)}Z`) === from + offsetAt(zone, from),
        )
      );
    }),
    { numRuns: 100 },
  );
});

test('days have 23, 24 or 25 hours, or half an hour more or less', async (t) => {
  const hoursOf = (zone: string, day: string) => {
    const noon = at(`${day}T12:00Z`) - offsetAt(zone, at(`${day}T12:00Z`));
    const { from, until } = zoneCalendar(zone).periodsAt(noon).day;
    return (until - from) / HOUR_MS;
  };
  t.equal(hoursOf('Europe/Berlin', '2026-03-29'), 23);
  t.equal(hoursOf('Europe/Berlin', '2026-03-30'), 24);
  t.equal(hoursOf('Europe/Berlin', '2026-10-25'), 25);
  t.equal(hoursOf('Australia/Lord_Howe', '2026-04-05'), 24.5);
  t.equal(hoursOf('Australia/Lord_Howe', '2026-10-04'), 23.5);
});

test('an hour that clocks skip is not there, and one that they show twice is two', async (t) => {
  t.strictSame(startsOf('Europe/Berlin', '2026-03-29T00:00Z', '2026-03-29T02:00Z', 'hour'), [
    '2026-03-29T01:00:00+01:00',
    '2026-03-29T03:00:00+02:00',
  ]);
  t.strictSame(startsOf('Europe/Berlin', '2026-10-25T00:00Z', '2026-10-25T02:00Z', 'hour'), [
    '2026-10-25T02:00:00+02:00',
    '2026-10-25T02:00:00+01:00',
  ]);
  t.strictSame(startsOf('Australia/Lord_Howe', '2026-04-04T14:00Z', '2026-04-04T16:00Z', 'hour'), [
    '2026-04-05T01:00:00+11:00',
    '2026-04-05T01:30:00+10:30',
    '2026-04-05T02:00:00+10:30',
  ]);
});

test('zones by half and quarter hours', async (t) => {
  t.strictSame(startsOf('Asia/Kolkata', '2026-03-01T18:29Z', '2026-03-01T18:31Z', 'day'), [
    '2026-03-01',
    '2026-03-02',
  ]);
  t.strictSame(startsOf('Asia/Kathmandu', '2026-03-01T18:14Z', '2026-03-01T18:16Z', 'hour'), [
    '2026-03-01T23:00:00+05:45',
    '2026-03-02T00:00:00+05:45',
  ]);
});

test('a date that never was has no bucket', async (t) => {
  t.strictSame(startsOf('Pacific/Apia', '2011-12-29T12:00Z', '2012-01-01T00:00Z', 'day'), [
    '2011-12-29',
    '2011-12-31',
    '2012-01-01',
  ]);
});

test('a local time that was skipped or came twice is the one that Temporal calls compatible', async (t) => {
  const berlin = zoneCalendar('Europe/Berlin');
  t.equal(berlin.instantOf(at('2026-03-01T09:30:00Z')), at('2026-03-01T08:30:00Z'));
  t.equal(berlin.instantOf(at('2026-03-29T02:30:00Z')), at('2026-03-29T01:30:00Z'), 'skipped: as 03:30');
  t.equal(berlin.instantOf(at('2026-10-25T02:30:00Z')), at('2026-10-25T00:30:00Z'), 'twice: the first');
});

test('an instant’s own day, week and month hold it', async () => {
  fc.assert(
    fc.property(places, ([zone, ms]) => {
      const { day, week, month } = zoneCalendar(zone).periodsAt(ms);
      const hour = zoneCalendar(zone).hourAt(ms);
      const isIn = [hour, day, week, month].every(({ from, until }) => from <= ms && ms < until);
      const isNested = [day, month].every(({ from, until }) => from <= hour.from && hour.until <= until);
      return isIn && isNested && week.from <= day.from && day.until <= week.until;
    }),
    { numRuns: 300 },
  );
});

test('the dates of a thousand days are those that clocks show at their start', async (t) => {
  const range = { from: at('2024-01-01'), until: at('2026-09-01') };
  for (const { from, start } of zoneCalendar('America/New_York').buckets(range, 'day')) {
    if (shownDate('America/New_York', from) !== start) t.fail(start);
  }
});

test('a calendar is only of a zone, by the name that timeZoneNamed gives', async (t) => {
  t.throws(() => zoneCalendar('Europe/Berln'), RangeError);
  t.throws(() => zoneCalendar('europe/berlin'), RangeError);
  t.equal(zoneCalendar('Europe/Berlin'), zoneCalendar('Europe/Berlin'));
});
