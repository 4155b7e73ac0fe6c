import type { SeriesData } from '@calltally/domain';
import { ApiError } from './api-error.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

const COLUMNS = ['start', 'calls', 'duration_ms', 'duration_minutes', 'avg_duration_minutes'] as const;

/** By the names that a URL has for them. */
export const SEPARATORS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export const DECIMALS = { point: '.', comma: ',' } as const;

export interface CsvQuery {
  separator?: keyof typeof SEPARATORS | undefined;
  decimal?: keyof typeof DECIMALS | undefined;
}

/** What stands between cells, and in numbers. */
export interface CsvFormat {
  separator: string;
  decimal: string;
}

/** @throws ApiError INVALID_PARAMETER where a number could not be told from two cells */
export function csvFormatOf({ decimal = 'point', separator }: CsvQuery): CsvFormat {
  if (decimal === 'comma' && separator === 'comma') {
    throw new ApiError(
      'INVALID_PARAMETER',
      'decimal and separator are both comma. Take separator=semicolon or separator=tab, or leave it out.',
    );
  }
  const fitting = decimal === 'comma' ? 'semicolon' : 'comma';
  return { separator: SEPARATORS[separator ?? fitting], decimal: DECIMALS[decimal] };
}

/**
 * A time series as RFC 4180 has it, with a header line, or as the spreadsheets of a country would rather have it. A cell
 * is a number or a date made by us, written as in JSON but for its decimal sign: it needs no quotes, and no spreadsheet
 * can take it for a formula.
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
