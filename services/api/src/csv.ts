import type { SeriesData } from '@calltally/domain';

export const CSV_TYPE = 'text/csv; charset=utf-8; header=present';

const COLUMNS = ['start', 'calls', 'duration_ms', 'duration_minutes', 'avg_duration_minutes'] as const;

/**
 * A time series as RFC 4180 has it, with a header line. A cell is a number or a date made by us, written as in JSON: it
 * needs no quotes, and no spreadsheet can take it for a formula.
 */
export function csvOf({ buckets }: SeriesData): string {
  const lines = buckets.map((bucket) => COLUMNS.map((column) => bucket[column]).join());
  return `${[COLUMNS.join(), ...lines].join('\r\n')}\r\n`;
}

/** `calltally-day-2026-03-01-to-2026-03-28.csv` */
export function csvFileName({ interval, date_range: { start_date, end_date } }: SeriesData): string {
  return `calltally-${interval}-${start_date.slice(0, 10)}-to-${end_date.slice(0, 10)}.csv`;
}
