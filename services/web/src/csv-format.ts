import type { CsvQuery } from '@calltally/client';

/**
 * How to write a CSV that spreadsheets of a locale open correctly. With a decimal comma, cells need another separator.
 * @param locale default: the browser's
 */
export function csvFormatOf(locale?: string): Pick<CsvQuery, 'separator' | 'decimal'> {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const isComma = parts.some(({ type, value }) => type === 'decimal' && value === ',');
  return isComma ? { separator: 'semicolon', decimal: 'comma' } : {};
}
