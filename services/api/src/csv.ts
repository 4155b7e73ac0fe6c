import type { SeriesData } from '@calltally/domain';
import { ApiError } from './api-error.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

const COLUMNS = ['start', 'calls', 'duration_ms', 'duration_minutes', 'avg_duration_minutes'] as const;

/** By their names in a query. */
export const SEPARATORS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export const DECIMALS = { point: '.', comma: ',' } as const;

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

/**
 * A time series as RFC 4180 with a header line. Cells are our own numbers and dates, so they need no quotes and contain
 * no formulas.
 */
export function csvOf({ buckets }: SeriesData, { separator, decimal }: CsvFormat): string {
  const cell = (value: string | number) => String(value).replace('.', decimal);
  const lines = buckets.map((bucket) => COLUMNS.map((column) => cell(bucket[column])).join(separator));
  return `${[COLUMNS.join(separator), ...lines].join('\r\n')}\r\n`;
}

/** `calltally-day-2026-03-01-to-2026-03-28.csv` */
export function csvFileName({ interval, date_range: { start_date, end_date } }: SeriesData): string {
  return `calltally-${interval}-${start_date.slice(0, 10)}-to-${end_date.slice(0, 10)}.csv`;
}
