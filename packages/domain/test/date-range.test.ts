import {
  type DateParameter,
  DateRangeError,
  type DateRangeInput,
  defaultRange,
  parseDateRange,
} from '@calltally/domain';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const NOW = at('2026-03-28T14:30:15.250Z');

const startOf = (start_date: string) => parseDateRange({ start_date, end_date: '9999-12-31' }, NOW);
const endOf = (end_date: string) => parseDateRange({ start_date: '0001-01-01', end_date }, NOW);

function fault(input: DateRangeInput): DateRangeError {
  try {
    parseDateRange(input, NOW);
  } catch (error) {
    if (error instanceof DateRangeError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(input)} was taken`);
}

test('the example of the contract', async (t) => {
  t.strictSame(
    parseDateRange({ start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' }, NOW),
    {
      from: at('2026-03-01T00:00:00Z'),
      until: at('2026-03-29T00:00:00Z'),
      startDate: '2026-03-01T00:00:00Z',
      endDate: '2026-03-28T23:59:59Z',
    },
  );
});

test('a start is the first instant of the written date', async (t) => {
  const known: [written: string, iso: string][] = [
    ['2026-03-01', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T10:20', '2026-03-01T10:20:00.000Z'],
    ['2026-03-01T10:20Z', '2026-03-01T10:20:00.000Z'],
    ['2026-03-01t10:20z', '2026-03-01T10:20:00.000Z'],
    ['2026-03-01T10:20:30', '2026-03-01T10:20:30.000Z'],
    ['2026-03-01 10:20:30', '2026-03-01T10:20:30.000Z'],
    ['2026-03-01 10:20Z', '2026-03-01T10:20:00.000Z'],
    ['2026-03-01T10:20:30.5', '2026-03-01T10:20:30.500Z'],
    ['2026-03-01T10:20:30,25Z', '2026-03-01T10:20:30.250Z'],
    ['2026-03-01T10:20:30.250', '2026-03-01T10:20:30.250Z'],
    ['2026-03-01T10:20:30.2505', '2026-03-01T10:20:30.251Z'],
    ['2026-03-01T10:20:30.250000001', '2026-03-01T10:20:30.251Z'],
    ['2026-03-01T10:20:30.250000000', '2026-03-01T10:20:30.250Z'],
    ['2026-03-01T10:20:59.999999999Z', '2026-03-01T10:21:00.000Z'],
    ['2026-03-01T00:00:00+02:00', '2026-02-28T22:00:00.000Z'],
    ['2026-03-01T00:00:00+0200', '2026-02-28T22:00:00.000Z'],
    ['2026-03-01T00:00:00+02', '2026-02-28T22:00:00.000Z'],
    ['2026-03-01T00:00+02', '2026-02-28T22:00:00.000Z'],
    ['2026-03-01T00:00:00-05:30', '2026-03-01T05:30:00.000Z'],
    ['2026-03-01T00:00:00.5+02:00', '2026-02-28T22:00:00.500Z'],
    ['2024-02-29T00:00:00+23:59', '2024-02-28T00:01:00.000Z'],
  ];
  for (const [written, iso] of known) t.equal(startOf(written).from, at(iso), written);
});

test('a plus that arrives as a space still means an offset', async (t) => {
  for (const [spaced, plus] of [
    ['2026-03-01T00:00:00 02:00', '2026-03-01T00:00:00+02:00'],
    ['2026-03-01T00:00:00 0200', '2026-03-01T00:00:00+0200'],
    ['2026-03-01T00:00 02', '2026-03-01T00:00+02'],
    ['2026-03-01T00:00:00.250 02:00', '2026-03-01T00:00:00.250+02:00'],
    ['2026-03-01 00:00:00 02:00', '2026-03-01T00:00:00+02:00'],
    ['2026-03-01 00:00 02:00', '2026-03-01T00:00+02:00'],
  ] as const) {
    t.strictSame(startOf(spaced), startOf(plus), spaced);
    t.strictSame(endOf(spaced), endOf(plus), spaced);
  }
});

test('an end includes all that its precision covers, and is shown so that it covers the same', async (t) => {
  const known: [written: string, until: string, shown: string][] = [
    ['2026-03-28', '2026-03-29T00:00:00.000Z', '2026-03-28T23:59:59Z'],
    ['2024-02-29', '2024-03-01T00:00:00.000Z', '2024-02-29T23:59:59Z'],
    ['2026-03-28T10:20', '2026-03-28T10:21:00.000Z', '2026-03-28T10:20:59Z'],
    ['2026-03-28T10:20+02:00', '2026-03-28T08:21:00.000Z', '2026-03-28T08:20:59Z'],
    ['2026-03-28T23:59:59Z', '2026-03-29T00:00:00.000Z', '2026-03-28T23:59:59Z'],
    ['2026-03-28T10:20:30.5', '2026-03-28T10:20:30.600Z', '2026-03-28T10:20:30.599Z'],
    ['2026-03-28T10:20:30.25', '2026-03-28T10:20:30.260Z', '2026-03-28T10:20:30.259Z'],
    ['2026-03-28T10:20:30.250', '2026-03-28T10:20:30.251Z', '2026-03-28T10:20:30.250Z'],
    ['2026-03-28T10:20:30.2505', '2026-03-28T10:20:30.251Z', '2026-03-28T10:20:30.250Z'],
    ['2026-03-28T10:20:30.250999999', '2026-03-28T10:20:30.251Z', '2026-03-28T10:20:30.250Z'],
    ['2026-03-28T10:20:30.0', '2026-03-28T10:20:31.000Z', '2026-03-28T10:20:30Z'],
    ['2026-03-28T10:20:30.000', '2026-03-28T10:20:31.000Z', '2026-03-28T10:20:30Z'],
    ['2026-03-28T10:20:30,000Z', '2026-03-28T10:20:31.000Z', '2026-03-28T10:20:30Z'],
    ['2026-03-28T10:20:30.000000Z', '2026-03-28T10:20:31.000Z', '2026-03-28T10:20:30Z'],
    ['2026-03-28T10:20:30.000000000+02:00', '2026-03-28T08:20:31.000Z', '2026-03-28T08:20:30Z'],
    ['2026-03-28T10:20:00.000-05:30', '2026-03-28T15:50:01.000Z', '2026-03-28T15:50:00Z'],
    ['1969-12-31T23:59:59.00Z', '1970-01-01T00:00:00.000Z', '1969-12-31T23:59:59Z'],
    ['2026-03-28T10:20:30.0005', '2026-03-28T10:20:30.001Z', '2026-03-28T10:20:30.000001Z'],
    ['2026-03-28T10:20:30.000000001', '2026-03-28T10:20:30.001Z', '2026-03-28T10:20:30.000001Z'],
    ['2026-03-28T10:20:30.001', '2026-03-28T10:20:30.002Z', '2026-03-28T10:20:30.001Z'],
    ['2026-03-28T10:20:30.01', '2026-03-28T10:20:30.020Z', '2026-03-28T10:20:30.019Z'],
    ['9999-12-31T23:59:59.000Z', '+010000-01-01T00:00:00.000Z', '9999-12-31T23:59:59Z'],
    ['9999-12-31', '+010000-01-01T00:00:00.000Z', '9999-12-31T23:59:59Z'],
    ['9999-12-31T23:59:59.999Z', '+010000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ];
  for (const [written, until, shown] of known) {
    const range = endOf(written);
    t.equal(range.until, at(until), written);
    t.equal(range.endDate, shown, written);
  }
});

test('a start is shown in UTC, with a fraction only if it is not zero', async (t) => {
  t.equal(startOf('2026-03-01').startDate, '2026-03-01T00:00:00Z');
  t.equal(startOf('2026-03-01T00:00:00.000+02:00').startDate, '2026-02-28T22:00:00Z');
  t.equal(startOf('2026-03-01T00:00:00.2505').startDate, '2026-03-01T00:00:00.251Z');
});

test('without dates: up to now, from the start of the day 30 days before', async (t) => {
  const expected = {
    from: at('2026-02-26T00:00:00Z'),
    until: NOW + 1,
    startDate: '2026-02-26T00:00:00Z',
    endDate: '2026-03-28T14:30:15.250Z',
  };
  t.strictSame(parseDateRange({}, NOW), expected);
  t.strictSame(parseDateRange({ start_date: undefined, end_date: undefined }, NOW), expected);
  t.strictSame(defaultRange(NOW), expected);
});

test('without a start: from 30 days before the day of the end', async (t) => {
  for (const [end_date, from] of [
    ['2026-03-31', '2026-03-01T00:00:00Z'],
    ['2026-03-31T23:59:59.999Z', '2026-03-01T00:00:00Z'],
    ['2026-04-01T00:00:00.000Z', '2026-03-02T00:00:00Z'],
    ['2026-04-01T01:00:00+02:00', '2026-03-01T00:00:00Z'],
    ['2024-03-30', '2024-02-29T00:00:00Z'],
    ['0001-01-05', '0001-01-01T00:00:00Z'],
  ] as const) {
    t.equal(parseDateRange({ end_date }, NOW).from, at(from), end_date);
  }
});

test('without an end: through now', async (t) => {
  t.match(parseDateRange({ start_date: '2020-01-01' }, NOW), {
    from: at('2020-01-01T00:00:00Z'),
    until: NOW + 1,
    endDate: '2026-03-28T14:30:15.250Z',
  });
});

test('now at a whole second includes nothing that starts later', async (t) => {
  const nowMs = at('2026-03-28T14:30:15.000Z');
  const range = parseDateRange({}, nowMs);
  t.match(range, { until: nowMs + 1, endDate: '2026-03-28T14:30:15Z' });
  const sentBack = parseDateRange({ start_date: range.startDate, end_date: range.endDate }, nowMs + 5_000);
  t.strictSame(sentBack, { ...range, until: nowMs + 1_000 }, 'with what has started in that second since');
});

test('start and end at the same written instant are not one after the other', async (t) => {
  for (const written of [
    '2026-03-28',
    '2026-03-28T10:20',
    '2026-03-28T10:20:30Z',
    '2026-03-28T10:20:30.000Z',
    '2026-03-28T10:20:30.250Z',
  ]) {
    const range = parseDateRange({ start_date: written, end_date: written }, NOW);
    t.ok(range.from < range.until, written);
  }
  t.ok(parseDateRange({ start_date: '2026-03-28T23:59', end_date: '2026-03-28' }, NOW));
});

test('a start after its end is refused with the name start_date', async (t) => {
  for (const input of [
    { start_date: '2026-03-29', end_date: '2026-03-28' },
    { start_date: '2026-03-28T10:20:31Z', end_date: '2026-03-28T10:20:30Z' },
    { start_date: '2026-03-28T10:20:30.251Z', end_date: '2026-03-28T10:20:30.250Z' },
    // No millisecond lies between them, so there is no range to show.
    { start_date: '2026-03-28T10:20:30.2501Z', end_date: '2026-03-28T10:20:30.2509Z' },
    { start_date: '2026-03-28T14:30:15.251Z' },
    { start_date: '2026-03-29' },
  ]) {
    const error = fault(input);
    t.match(error, { code: 'START_AFTER_END', parameter: 'start_date' }, JSON.stringify(input));
    t.match(error.message, /^start_date .* is after .*\. Give /);
  }
  t.match(fault({ start_date: '2026-03-29' }).message, /after now/);
});

test('an invalid date is refused with the name of the parameter and a remedy', async (t) => {
  const refused = [
    'yesterday',
    '2026',
    '2026-03',
    '20260301',
    '1772323200000',
    '2026-3-1',
    '26-03-01',
    '+002026-03-01',
    '2026-W10-1',
    '2026-060',
    '2026-02-29',
    '2026-02-30',
    '1900-02-29',
    '2026-04-31',
    '2026-00-10',
    '2026-13-01',
    '2026-01-00',
    '2026-01-32',
    '0000-12-31',
    '2026-03-01Z',
    '2026-03-01+02:00',
    '2026-03-01 02:00',
    '2026-03-01 02',
    '2026-03-01T',
    '2026-03-01T10',
    '2026-03-01T24:00',
    '2026-03-01T10:60',
    '2026-03-01T10:20:60Z',
    '2026-03-01T10:20:30.',
    '2026-03-01T10:20:30.1234567890',
    '2026-03-01T10:20.5',
    '2026-03-01T10:20:30+24:00',
    '2026-03-01T10:20:30+02:60',
    '2026-03-01T10:20:30+2',
    '2026-03-01T10:20:30 Z',
    '2026-03-01T10:20:30  02:00',
    '2026-03-01  10:20:30',
    ' 2026-03-01',
    '2026-03-01 ',
    '2026-03-01\n',
    '0001-01-01T00:00+00:01',
    '9999-12-31T23:59-00:01',
    'null',
    `2026-03-01${'0'.repeat(10_000)}`,
  ];
  for (const parameter of ['start_date', 'end_date'] as DateParameter[]) {
    for (const text of refused) {
      const error = fault({ [parameter]: text });
      t.match(error, { code: 'INVALID_DATE', parameter, name: 'DateRangeError' }, text.slice(0, 50));
      t.ok(error.message.startsWith(`${parameter} `) && error.message.includes('Write a date (2026-03-01)'));
      t.ok(error.message.length < 300);
    }
    t.match(fault({ [parameter]: '' }), { code: 'INVALID_DATE', parameter, message: /is empty\. Write/ });
    t.match(fault({ [parameter]: ['2026-03-01', '2026-03-02'] }), {
      code: 'INVALID_DATE',
      parameter,
      message: /is given more than once\. Give it once/,
    });
  }
  t.equal(fault({ start_date: '9999-12-31T23:59:59.9999Z' }).code, 'INVALID_DATE', 'rounds up beyond 9999');
  t.match(fault({ start_date: '2026-02-30' }).message, /"2026-02-30" has a day that does not exist/);
  t.match(fault({ start_date: '0000-12-31' }).message, /is outside the years 0001 to 9999/);
  t.match(fault({ end_date: '2026-03-01 02:00' }).message, /put a T between date and time/);
});
