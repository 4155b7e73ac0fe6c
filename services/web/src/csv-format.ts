/**
 * Parameters for a CSV as spreadsheets of a reader's country take it: where numbers have a decimal comma, a comma cannot
 * stand between cells.
 * @param locale the browser's unless given
 */
export function csvFormatOf(locale?: string): string {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const isComma = parts.some(({ type, value }) => type === 'decimal' && value === ',');
  return isComma ? '&separator=semicolon&decimal=comma' : '';
}
