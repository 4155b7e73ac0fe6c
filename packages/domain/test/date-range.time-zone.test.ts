import {
  DateRangeError,
  dashboardWindows,
  defaultWindowDays,
  parseDateRange,
  TimeZoneError,
  zoneCalendar,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const NOW = at('2026-03-28T23:30:15.250Z');
const BERLIN = { time_zone: 'Europe/Berlin' };

test('dates without an offset are of the zone, and are shown with its offset', async (t) => {
  t.strictSame(parseDateRange({ ...BERLIN, start_date: '2026-03-01', end_date: '2026-03-29' }, NOW), {
    from: at('2026-02-28T23:00Z'),
    until: at('2026-03-29T22:00Z'),
    startDate: '2026-03-01T00:00:00+01:00',
    endDate: '2026-03-29T23:59:59+02:00',
    timeZone: 'Europe/Berlin',
  });
  t.match(parseDateRange({ ...BERLIN, start_date: '2026-03-01T09:00', end_date: '2026-03-01T10:00' }, NOW), {
    from: at('2026-03-01T08:00Z'),
    until: at('2026-03-01T09:01Z'),
  });
});

test('an offset that is written counts', async (t) => {
  const { from, until } = parseDateRange(
    { ...BERLIN, start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-02T00:00:00-05:00' },
    NOW,
  );
  t.equal(from, at('2026-03-01T00:00:00Z'));
  t.equal(until, at('2026-03-02T05:00:01Z'));
});

test('a time that was skipped lies after the change, one that came twice is the first, a day is all of it', async (t) => {
  const from = (start_date: string) =>
    parseDateRange({ ...BERLIN, start_date, end_date: '2027-01-01' }, NOW).from;
  t.equal(from('2026-03-29T02:30'), at('2026-03-29T01:30Z'));
  t.equal(from('2026-10-25T02:30'), at('2026-10-25T00:30Z'));
  const until = (end_date: string) =>
    parseDateRange({ ...BERLIN, start_date: '2026-01-01', end_date }, NOW).until;
  t.equal(until('2026-10-25'), at('2026-10-25T23:00Z'));
  const apia = { time_zone: 'Pacific/Apia', start_date: '2011-12-29', end_date: '2011-12-30' };
  t.equal(parseDateRange(apia, NOW).until, at('2011-12-30T10:00Z'), 'a date that never was has nothing');
});

test('the default window is today and the 30 local days before it', async (t) => {
  const range = parseDateRange(BERLIN, NOW);
  t.equal(range.startDate, '2026-02-27T00:00:00+01:00');
  t.equal(range.endDate, '2026-03-29T00:30:15.250+01:00');
  const { buckets } = { buckets: zoneCalendar('Europe/Berlin').buckets(range, 'day') };
  t.equal(buckets.length, defaultWindowDays);
});

test('without a zone, and in UTC, a range is what it was', async (t) => {
  for (const dates of [
    {},
    { start_date: '2026-03-01' },
    { start_date: '2026-03-01', end_date: '2026-03-02' },
  ]) {
    const plain = parseDateRange(dates, NOW);
    t.strictSame(parseDateRange({ ...dates, time_zone: 'UTC' }, NOW), { ...plain, timeZone: 'UTC' });
    t.notOk('timeZone' in plain);
  }
  t.strictSame(dashboardWindows(NOW, 'UTC'), dashboardWindows(NOW));
});

test('the current day, week and month are those of the zone', async (t) => {
  t.strictSame(dashboardWindows(NOW, 'Europe/Berlin'), {
    today: { from: at('2026-03-28T23:00Z'), until: at('2026-03-29T22:00Z') },
    thisWeek: { from: at('2026-03-22T23:00Z'), until: at('2026-03-29T22:00Z') },
    thisMonth: { from: at('2026-02-28T23:00Z'), until: at('2026-03-31T22:00Z') },
  });
});

test('a range that is shown, and sent back, is the same range', async () => {
  const instants = fc.integer({ min: at('1900-01-01'), max: at('2040-01-01') });
  fc.assert(
    fc.property(fc.constantFrom(...Intl.supportedValuesOf('timeZone')), instants, instants, (zone, a, b) => {
      const [from, last] = [Math.min(a, b), Math.max(a, b)];
      const asked = {
        start_date: new Date(from).toISOString(),
        end_date: new Date(last).toISOString(),
        time_zone: zone,
      };
      const range = parseDateRange(asked, NOW);
      const again = parseDateRange(
        { start_date: range.startDate, end_date: range.endDate, time_zone: zone },
        NOW,
      );
      return again.from === range.from && again.until === range.until && again.endDate === range.endDate;
    }),
    { numRuns: 500 },
  );
});

test('an unknown zone is refused with names near it', async (t) => {
  const refused = (time_zone: string) => {
    try {
      parseDateRange({ time_zone }, NOW);
      return '';
    } catch (thrown) {
      if (thrown instanceof TimeZoneError) return thrown.message;
      throw thrown;
    }
  };
  t.match(
    refused('Europe/Berln'),
    /^time_zone "Europe\/Berln" is no time zone here\. Did you mean Europe\/Berlin/,
  );
  t.match(refused('+02:00'), /Write a name as IANA does, such as Europe\/Berlin/);
  t.match(refused('x'.repeat(1_000)), /"x{40}…"/);
  t.equal(parseDateRange({ time_zone: 'europe/berlin' }, NOW).timeZone, 'Europe/Berlin');
});

test('a start after the end is refused in the zone’s own times, and years stay within four digits', async (t) => {
  t.throws(() => parseDateRange({ ...BERLIN, start_date: '2026-03-02', end_date: '2026-03-01' }, NOW), {
    code: 'START_AFTER_END',
    message: /2026-03-02T00:00:00\+01:00\) is after end_date \(2026-03-01T23:59:59\+01:00/,
  });
  t.throws(() => parseDateRange({ ...BERLIN, start_date: '0001-01-01' }, NOW), DateRangeError);
  const west = { time_zone: 'America/New_York', start_date: '9999-12-30', end_date: '9999-12-31' };
  t.equal(parseDateRange(west, NOW).until, at('9999-12-31T23:59:59.999Z') + 1);
});
