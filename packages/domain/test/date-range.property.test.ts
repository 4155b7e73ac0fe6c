import { isDeepStrictEqual } from 'node:util';
import { DateRangeError, dayOf, parseDateRange, startOfDay } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const NOW = at('2026-03-28T14:30:15.250Z');

const startOf = (start_date: string) => parseDateRange({ start_date, end_date: '9999-12-31' }, NOW);
const endOf = (end_date: string) => parseDateRange({ start_date: '0001-01-01', end_date }, NOW);

/** A date-time in every accepted spelling, beside the instant that Date and integers give for it. */
const written = fc
  .record({
    second: fc.integer({ min: at('0001-01-03T00:00:00Z') / 1000, max: at('9999-12-29T00:00:00Z') / 1000 }),
    form: fc.constantFrom('day', 'minute', 'second', 'fraction'),
    fraction: fc.oneof(
      fc.stringMatching(/^\d{1,9}$/),
      fc.stringMatching(/^0{1,9}$/),
      fc.stringMatching(/^000\d{1,6}$/),
    ),
    mark: fc.constantFrom('.', ','),
    separator: fc.constantFrom('T', 't', ' '),
    sign: fc.constantFrom('+', '-', ' '),
    offsetMinutes: fc.nat(23 * 60 + 59),
    zone: fc.constantFrom('none', 'Z', 'z', '+HH:MM', '+HHMM'),
  })
  .filter(({ form, separator, zone }) => !(form === 'minute' && separator === ' ' && zone === 'none'))
  .map(({ second, form, fraction, mark, separator, sign, offsetMinutes, zone }) => {
    const local = new Date(second * 1000).toISOString();
    if (form === 'day') {
      const first = BigInt(at(local.slice(0, 10))) * 1_000_000n;
      return { text: local.slice(0, 10), firstNs: first, widthNs: 86_400_000_000_000n };
    }
    const clock = local.slice(11, form === 'minute' ? 16 : 19) + (form === 'fraction' ? mark + fraction : '');
    const hh = String(Math.floor(offsetMinutes / 60)).padStart(2, '0');
    const mm = String(offsetMinutes % 60).padStart(2, '0');
    const numeric = zone.startsWith('+');
    const suffix = { none: '', Z: 'Z', z: 'z', '+HH:MM': `${sign}${hh}:${mm}`, '+HHMM': `${sign}${hh}${mm}` }[
      zone
    ]!;
    const truth = at(
      `${local.slice(0, form === 'minute' ? 16 : 19)}${numeric ? `${sign === '-' ? '-' : '+'}${hh}:${mm}` : 'Z'}`,
    );
    const extra = form === 'fraction' ? BigInt(fraction.padEnd(9, '0')) : 0n;
    const widthNs =
      form === 'minute'
        ? 60_000_000_000n
        : form === 'second'
          ? 1_000_000_000n
          : /^0+$/.test(fraction)
            ? 1_000_000_000n
            : 10n ** BigInt(9 - fraction.length);
    return {
      text: local.slice(0, 10) + separator + clock + suffix,
      firstNs: BigInt(truth) * 1_000_000n + extra,
      widthNs,
    };
  });

test('every spelling includes exactly the milliseconds that it covers', async () => {
  const has = (range: { from: number; until: number }, ms: number) => range.from <= ms && ms < range.until;
  fc.assert(
    fc.property(written, fc.integer({ min: -2, max: 2 }), ({ text, firstNs, widthNs }, near) => {
      const startProbe = Number(firstNs / 1_000_000n) + near;
      const endProbe = Number((firstNs + widthNs) / 1_000_000n) + near;
      return (
        has(startOf(text), startProbe) === BigInt(startProbe) * 1_000_000n >= firstNs &&
        has(endOf(text), endProbe) === BigInt(endProbe) * 1_000_000n < firstNs + widthNs
      );
    }),
    { numRuns: 3000 },
  );
});

test('the dates shown, sent back, give the same range', async () => {
  fc.assert(
    fc.property(
      fc.option(written),
      fc.option(written),
      fc.oneof(
        fc.integer({ min: 0, max: 2 ** 42 }),
        fc.nat(2 ** 31).map((second) => second * 1000),
      ),
      (start, end, nowMs) => {
        let range: ReturnType<typeof parseDateRange>;
        try {
          range = parseDateRange({ start_date: start?.text, end_date: end?.text }, nowMs);
        } catch (error) {
          return error instanceof DateRangeError && error.code === 'START_AFTER_END';
        }
        const again = parseDateRange({ start_date: range.startDate, end_date: range.endDate }, nowMs);
        // A now at a whole second is shown as one, and that takes in all of it.
        const until = end === null && nowMs % 1000 === 0 ? nowMs + 1000 : range.until;
        return isDeepStrictEqual(again, { ...range, until });
      },
    ),
    { numRuns: 3000 },
  );
});

test('a default start gives a window of at most 31 days that starts at midnight', async () => {
  fc.assert(
    fc.property(written, ({ text }) => {
      const { from, until } = parseDateRange({ end_date: text }, NOW);
      const days = dayOf(until - 1) - dayOf(from) + 1;
      return from === startOfDay(dayOf(from)) && (days === 31 || from === at('0001-01-01T00:00:00Z'));
    }),
  );
});
