import fc from 'fast-check';
import { test } from 'tap';
import { backoffMs, csvFormatOf } from '../src/api.ts';

test('pauses double from a second to half a minute, and half of each is random', async (t) => {
  t.same(
    [1, 2, 3, 6, 50].map((failures) => backoffMs(failures, () => 1)),
    [1_000, 2_000, 4_000, 30_000, 30_000],
  );
  t.equal(
    backoffMs(1, () => 0),
    500,
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, chance) => {
        const ms = backoffMs(failures, () => chance);
        return ms >= 500 && ms <= 30_000;
      },
    ),
  );
});

test('a CSV follows the conventions of the locale', async (t) => {
  for (const locale of ['de', 'de-DE', 'fr-FR', 'sv', 'pt-BR', 'pl', 'ru', 'tr']) {
    t.equal(csvFormatOf(locale), '&separator=semicolon&decimal=comma', locale);
  }
  for (const locale of ['en', 'en-US', 'en-GB', 'ja', 'zh', 'de-CH', 'he'])
    t.equal(csvFormatOf(locale), '', locale);
  t.equal(csvFormatOf(), csvFormatOf(Intl.NumberFormat().resolvedOptions().locale));
});
