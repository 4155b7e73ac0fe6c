import { formatInstant, parseInstant } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { readTimestampOfAnyYear } from '../src/timestamp.ts';

test('RFC 3339 date-times with an offset are read to the millisecond', async (t) => {
  const known: [text: string, iso: string][] = [
    ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01t00:00:00z', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T00:00:00+02:00', '2026-02-28T22:00:00.000Z'],
    ['2026-03-01T00:00:00-23:59', '2026-03-01T23:59:00.000Z'],
    ['2026-03-01T00:00:00-00:00', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T00:00:00.5Z', '2026-03-01T00:00:00.500Z'],
    ['2026-03-01T00:00:00.2509999999999Z', '2026-03-01T00:00:00.250Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0000-02-29T12:00:00Z', '0000-02-29T12:00:00.000Z'],
    ['0000-01-01T00:00:00+23:59', '-000001-12-31T00:01:00.000Z'],
    ['0001-01-01T00:00:00+00:01', '0000-12-31T23:59:00.000Z'],
    ['9999-12-31T23:59:59-00:01', '+010000-01-01T00:00:59.000Z'],
  ];
  for (const [text, iso] of known) t.equal(parseInstant(text), Date.parse(iso), text);
});

test('anything else is not an instant', async (t) => {
  const refused = [
    '',
    '2026-03-01',
    '2026-03-01T00:00:00',
    '2026-03-01T00:00Z',
    '2026-03-01 00:00:00Z',
    '2026-03-01T00:00:00,5Z',
    '2026-03-01T00:00:00.Z',
    '2026-03-01T00:00:00+0200',
    '2026-03-01T00:00:00+02',
    '2026-03-01T00:00:00 02:00',
    '2026-03-01T00:00:00+24:00',
    '2026-03-01T00:00:00+01:60',
    '2026-02-29T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2016-12-31T23:59:60Z',
    '0000-02-30T00:00:00Z',
    '12026-01-01T00:00:00Z',
    ' 2026-03-01T00:00:00Z',
    '2026-03-01T00:00:00Z\n',
    '٢٠٢٦-03-01T00:00:00Z',
  ];
  for (const text of refused) t.equal(parseInstant(text), undefined, JSON.stringify(text));
});

test('a fraction is shown only if it is not zero', async (t) => {
  t.equal(formatInstant(Date.parse('2026-03-01T00:00:00Z')), '2026-03-01T00:00:00Z');
  t.equal(formatInstant(Date.parse('2026-03-01T00:00:00.250Z')), '2026-03-01T00:00:00.250Z');
  t.equal(formatInstant(Date.parse('0001-01-01T00:00:00.007Z')), '0001-01-01T00:00:00.007Z');
});

test('every instant of the years 0001 to 9999 can be formatted and parsed back', async () => {
  const instants = fc.integer({
    min: Date.parse('0001-01-01T00:00:00Z'),
    max: Date.parse('9999-12-31T23:59:59.999Z'),
  });
  fc.assert(fc.property(instants, (ms) => parseInstant(formatInstant(ms)) === ms));
});

test('the fast path agrees with the grammar for any digits and signs', async () => {
  const two = fc.oneof(
    fc.integer({ min: 0, max: 99 }).map(twoDigits),
    fc.constantFrom('0x', ' 1', '-1', '1٢'),
  );
  const day = fc.oneof(fc.integer({ min: 27, max: 32 }).map(twoDigits), two);
  const month = fc.oneof(fc.integer({ min: 0, max: 13 }).map(twoDigits), two);
  const year = fc.oneof(
    fc.integer({ min: 1896, max: 2104 }).map(String),
    fc.constantFrom('0000', '0001', '9999', '20e3'),
  );
  const fraction = fc.oneof(
    fc.constant(''),
    fc.integer({ min: 0, max: 999 }).map((ms) => `.${String(ms).padStart(3, '0')}`),
  );
  const odd = fc.constantFrom('.', '.12x', ',123', '.1234', '+02:');
  const signs = fc.tuple(mostly('-'), mostly('-'), mostly('T'), mostly(':'), mostly(':'), mostly('Z'));
  const text = fc
    .tuple(year, month, day, two, two, two, fc.oneof({ weight: 4, arbitrary: fraction }, odd), signs)
    .map(
      ([y, mo, d, h, mi, s, f, [a, b, c, e, g, z]]) => y + a + mo + b + d + c + h + e + mi + g + s + f + z,
    );
  const strict = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
  const byGrammar = (written: string) => {
    const timestamp = strict.test(written) ? readTimestampOfAnyYear(written) : 'form';
    return typeof timestamp === 'string' ? undefined : timestamp.floorMs;
  };
  fc.assert(
    fc.property(text, (written) => parseInstant(written) === byGrammar(written)),
    { numRuns: 20_000 },
  );
});

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

function mostly(sign: string) {
  return fc.oneof(
    { weight: 30, arbitrary: fc.constant(sign) },
    { weight: 1, arbitrary: fc.constantFrom(' ', 't', 'z', '/', ':') },
  );
}
