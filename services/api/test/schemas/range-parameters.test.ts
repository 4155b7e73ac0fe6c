import { DateRangeError, parseDateRange } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { DATE_PATTERN } from '../../src/schemas/range-parameters.ts';

const pattern = new RegExp(DATE_PATTERN);

function canBeRead(text: string): boolean {
  try {
    parseDateRange({ end_date: text }, 0);
    return true;
  } catch (thrown) {
    // What a pattern cannot say: an offset that leads out of the years there are.
    if (thrown instanceof DateRangeError) {
      return thrown.message.includes('is outside the years') && !text.startsWith('0000');
    }
    throw thrown;
  }
}

const two = (max: number) => fc.nat(max).map((number) => String(number).padStart(2, '0'));
const year = fc.oneof(
  fc.nat(9_999).map((number) => String(number).padStart(4, '0')),
  fc.constantFrom('0000', '0001', '0004', '0400', '1900', '2000', '2024', '2026', '2100', '9999'),
);
const date = fc.tuple(year, two(14), two(33)).map((parts) => parts.join('-'));
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^[.,]?\d{0,10}$/));
const second = fc.oneof(
  fc.constant(''),
  fc.tuple(two(62), fraction).map(([text, rest]) => `:${text}${rest}`),
);
const offset = fc.oneof(
  fc.constantFrom('', 'Z', 'z', ' Z'),
  fc
    .tuple(
      fc.constantFrom('+', '-', ' '),
      two(25),
      fc.constantFrom('', ':'),
      fc.oneof(fc.constant(''), two(61)),
    )
    .map((parts) => parts.join('')),
);
const time = fc
  .tuple(fc.constantFrom('T', 't', ' ', ''), two(25), fc.constant(':'), two(61), second, offset)
  .map((parts) => parts.join(''));
const written = fc.tuple(date, fc.oneof(fc.constant(''), time, offset)).map((parts) => parts.join(''));

test('the date pattern of the OpenAPI document accepts exactly the dates that can be parsed', async (t) => {
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(written, fc.string()), (text) => {
      const isRead = canBeRead(text);
      if (isRead) taken += 1;
      return pattern.test(text) === isRead;
    }),
    { numRuns: 20_000 },
  );
  t.ok(taken > 2_000, `${taken} of them can be read`);
  for (const day of ['2024-02-29', '2000-02-29', '2026-02-28', '0004-02-29']) t.ok(pattern.test(day), day);
  for (const day of ['2026-02-29', '1900-02-29', '0000-02-29', '2026-04-31', '2026-03-01\n', ''])
    t.notOk(pattern.test(day), day);
});
