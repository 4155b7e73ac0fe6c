import { test } from 'tap';
import { csvFormatOf } from '../src/csv-format.ts';

test('a CSV follows the conventions of the locale', async (t) => {
  for (const locale of ['de', 'de-DE', 'fr-FR', 'sv', 'pt-BR', 'pl', 'ru', 'tr']) {
    t.same(csvFormatOf(locale), { separator: 'semicolon', decimal: 'comma' }, locale);
  }
  for (const locale of ['en', 'en-US', 'en-GB', 'ja', 'zh', 'de-CH', 'he'])
    t.same(csvFormatOf(locale), {}, locale);
  t.same(csvFormatOf(), csvFormatOf(Intl.NumberFormat().resolvedOptions().locale));
});
