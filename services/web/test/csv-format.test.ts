import { test } from 'tap';
import { csvFormatOf } from '../src/csv-format.ts';

test('a file is what spreadsheets of the reader take', async (t) => {
  for (const locale of ['de', 'de-DE', 'fr-FR', 'sv', 'pt-BR', 'pl', 'ru', 'tr']) {
    t.equal(csvFormatOf(locale), '&separator=semicolon&decimal=comma', locale);
  }
  for (const locale of ['en', 'en-US', 'en-GB', 'ja', 'zh', 'de-CH', 'he'])
    t.equal(csvFormatOf(locale), '', locale);
  t.equal(csvFormatOf(), csvFormatOf(Intl.NumberFormat().resolvedOptions().locale));
});
