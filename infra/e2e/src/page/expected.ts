import type { Oracle, OracleBucket, OracleFilter, OracleRange } from '../oracle.ts';
import type { Figures, Row } from './dashboard-page.ts';

export const DAY_MS = 86_400_000;

const startOfDay = (ms: number) => ms - (ms % DAY_MS);
export const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** A range, and the period that it is compared with. */
interface Ranges {
  range: OracleRange;
  previous: OracleRange;
}

/** The named ranges, computed with Date. Each ends now; its previous period ends the range's length earlier. */
export function namedRanges(nowMs: number): Record<'Today' | '7 days' | '30 days' | 'This month', Ranges> {
  const running = (days: number): Ranges => {
    const from = startOfDay(nowMs) - (days - 1) * DAY_MS;
    const backMs = days * DAY_MS;
    return {
      range: { from, until: nowMs + 1 },
      previous: { from: from - backMs, until: nowMs - backMs },
    };
  };
  const now = new Date(nowMs);
  const monthFrom = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  const lastMonthFrom = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1);
  return {
    Today: running(1),
    '7 days': running(7),
    '30 days': running(30),
    'This month': {
      range: { from: monthFrom, until: nowMs + 1 },
      previous: { from: lastMonthFrom, until: Math.min(lastMonthFrom + nowMs - monthFrom, monthFrom) },
    },
  };
}

/** Whole days, both inclusive, compared with as many days before them. */
export function daysRange(first: string, last: string): Ranges {
  const from = Date.parse(first);
  const until = Date.parse(last) + DAY_MS;
  return { range: { from, until }, previous: { from: from - (until - from), until: from } };
}

/** What the cards must show. */
export function expectedFigures(oracle: Oracle, userId: string, range: OracleRange, nowMs: number): Figures {
  return oracle.figures(userId, range, nowMs);
}

/**
 * What the table must show: a row for each day of the range, or no row if no day has a call. A range of one day also
 * shows the six days before it.
 */
export function expectedDays(
  oracle: Oracle,
  userId: string,
  range: OracleRange,
  filter: OracleFilter = {},
): Row[] {
  if (oracle.figures(userId, range, 0, filter).total_calls === 0) return [];
  const rows: Row[] = [];
  const isOneDay = range.until <= range.from + DAY_MS;
  for (let from = range.from - (isOneDay ? 6 * DAY_MS : 0); from < range.until; from += DAY_MS) {
    const day = { from, until: Math.min(from + DAY_MS, range.until) };
    const figures = oracle.figures(userId, day, 0, filter);
    const { total_calls: calls, total_duration_minutes: minutes, avg_duration_minutes: average } = figures;
    rows.push({ start: dateOf(from), calls, minutes, average });
  }
  return rows;
}

/** The named ranges in a zone whose clocks are `offsetMs` ahead of UTC and are not changed. */
export function namedRangesAhead(nowMs: number, offsetMs: number): ReturnType<typeof namedRanges> {
  const back = ({ from, until }: OracleRange) => ({ from: from - offsetMs, until: until - offsetMs });
  const shifted = Object.entries(namedRanges(nowMs + offsetMs)).map(([name, { range, previous }]) => [
    name,
    { range: back(range), previous: back(previous) },
  ]);
  return Object.fromEntries(shifted) as ReturnType<typeof namedRanges>;
}

/** As `expectedDays`, of a zone. */
export function expectedDaysIn(zone: string, oracle: Oracle, userId: string, range: OracleRange): Row[] {
  if (oracle.totals(userId, range).total_calls === 0) return [];
  const isOneDay = range.until <= range.from + DAY_MS;
  const charted = { from: range.from - (isOneDay ? 6 * DAY_MS : 0), until: range.until };
  return oracle.seriesInZone(userId, charted, 'day', zone).map((bucket) => rowOf(bucket.start, bucket));
}

/** The same by hour. An hour that clocks show twice has its offset, of whole hours. */
export function expectedHoursIn(zone: string, oracle: Oracle, userId: string, range: OracleRange): Row[] {
  if (oracle.totals(userId, range).total_calls === 0) return [];
  const buckets = oracle.seriesInZone(userId, range, 'hour', zone);
  return buckets.map((bucket) => {
    const shown = bucket.start.slice(0, 16);
    const isTwice = buckets.filter(({ start }) => start.startsWith(shown)).length > 1;
    const offset = ` UTC${bucket.start.slice(19, 20)}${Number(bucket.start.slice(20, 22))}`;
    return rowOf(isTwice ? shown + offset : shown, bucket);
  });
}

function rowOf(start: string, { calls, duration_minutes, avg_duration_minutes }: OracleBucket): Row {
  return { start, calls, minutes: duration_minutes, average: avg_duration_minutes };
}

/** The change from the previous period, as the page shows it: `+12 %`, `−3.4 %`. */
export function expectedShare(figure: number, previous: number): string | undefined {
  if (previous === 0) return undefined;
  const percent = Math.abs((100 * (figure - previous)) / previous);
  const text = String(percent < 10 ? Math.round(percent * 10) / 10 : Math.round(percent));
  if (text === '0') return undefined;
  return `${figure > previous ? '+' : '−'}${text.replace(/\B(?=(\d{3})+$)/g, ',')} %`;
}
