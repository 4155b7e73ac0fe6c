import { type BreakdownData, FIELD_OF, type SeriesData, type TallyData } from '@calltally/domain';
import { ApiError } from './api-error.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

const FIGURES = ['calls', 'duration_ms', 'duration_minutes', 'avg_duration_minutes'] as const;

/** By their names in a query. */
export const SEPARATORS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export const DECIMALS = { point: '.', comma: ',' } as const;

/** What a spreadsheet takes for the beginning of a formula; and the apostrophe that we put before it. */
const FORMULA = /^\s*[=+\-@＝＋－＠']/u;
const QUOTED = /[",;\t]|^\s|\s$/u;

interface CsvQuery {
  separator?: keyof typeof SEPARATORS | undefined;
  decimal?: keyof typeof DECIMALS | undefined;
}

interface CsvFormat {
  separator: string;
  decimal: string;
}

/** @throws ApiError INVALID_PARAMETER if a comma would be both decimal sign and separator */
export function csvFormatOf({ decimal = 'point', separator }: CsvQuery): CsvFormat {
  if (decimal === 'comma' && separator === 'comma') {
    const message =
      'decimal and separator are both comma. Use separator=semicolon or separator=tab, or leave it out.';
    throw new ApiError('INVALID_PARAMETER', { message });
  }
  const usual = decimal === 'comma' ? 'semicolon' : 'comma';
  return { separator: SEPARATORS[separator ?? usual], decimal: DECIMALS[decimal] };
}

/** A time series as RFC 4180 with a header line. */
export function seriesCsv({ buckets }: SeriesData, format: CsvFormat): string {
  const rows = buckets.map((bucket) => [bucket.start, ...figuresOf(bucket)]);
  return csvOf(['start', ...FIGURES], rows, format);
}

/**
 * A breakdown as RFC 4180 with a header line. The last column is empty for a group, and how many groups there are for the
 * rest: by its empty labels, it could be taken for calls without any.
 */
export function breakdownCsv({ by, groups, rest }: BreakdownData, format: CsvFormat): string {
  const labels = by.map((dimension) => FIELD_OF[dimension]);
  const rows = groups.map((group) => [
    ...labels.map((label) => safeLabel(group[label] ?? '')),
    ...figuresOf(group),
    group.share_of_calls,
    '',
  ]);
  if (rest !== null) {
    rows.push([...labels.map(() => ''), ...figuresOf(rest), rest.share_of_calls, rest.groups]);
  }
  return csvOf([...labels, ...FIGURES, 'share_of_calls', 'rest_groups'], rows, format);
}

/** `calltally-day-2026-03-01-to-2026-03-28.csv` */
export function seriesFileName({ interval, date_range }: SeriesData): string {
  return fileNameOf(interval, date_range);
}

/** `calltally-by-agent-status-2026-03-01-to-2026-03-28.csv` */
export function breakdownFileName({ by, date_range }: BreakdownData): string {
  return fileNameOf(`by-${by.join('-')}`, date_range);
}

function fileNameOf(what: string, { start_date, end_date }: BreakdownData['date_range']): string {
  return `calltally-${what}-${start_date.slice(0, 10)}-to-${end_date.slice(0, 10)}.csv`;
}

function csvOf(
  names: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  { separator, decimal }: CsvFormat,
): string {
  const cellOf = (value: string | number) =>
    typeof value === 'number' ? String(value).replace('.', decimal) : quoted(value);
  const lines = rows.map((row) => row.map(cellOf).join(separator));
  return `${[names.join(separator), ...lines].join('\r\n')}\r\n`;
}

function figuresOf(data: TallyData): number[] {
  return FIGURES.map((name) => data[name]);
}

/** A label that no spreadsheet takes for a formula. Without the first apostrophe, if it has one, it is the label. */
function safeLabel(label: string): string {
  return FORMULA.test(label) ? `'${label}` : label;
}

function quoted(text: string): string {
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
