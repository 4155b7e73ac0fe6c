import type { OracleRange } from './oracle-sums.ts';

/*
 * What `period` and `compare=previous` mean, by the calendar of `Date`. It shares nothing with the product.
 */

const PERIODS = {
  day: { present: 'today', whole: 'yesterday' },
  week: { present: 'this_week', whole: 'last_week' },
  month: { present: 'this_month', whole: 'last_month' },
  year: { present: 'this_year', whole: 'last_year' },
} as const;
const DAYS = [7, 30, 90];

export const ORACLE_PERIODS: readonly string[] = [
  ...Object.values(PERIODS).flatMap(({ present, whole }) => [present, whole]),
  ...DAYS.map((days) => `${days}d`),
];

export interface OraclePeriod {
  range: OracleRange;
  previous: OracleRange;
  endsNow: boolean;
}

export function periodAt(name: string, nowMs: number): OraclePeriod {
  for (const [unit, { present, whole }] of Object.entries(PERIODS)) {
    const [begin, before, beforeThat] = [0, 1, 2].map((ago) => beginOf(unit, nowMs, ago)) as [
      number,
      number,
      number,
    ];
    if (name === present) {
      const until = before + (nowMs + 1 - begin);
      return {
        range: { from: begin, until: nowMs + 1 },
        previous: { from: before, until: Math.min(until, begin) },
        endsNow: true,
      };
    }
    if (name === whole) {
      return {
        range: { from: before, until: begin },
        previous: { from: beforeThat, until: before },
        endsNow: false,
      };
    }
  }
  const range = { from: beginOf('day', nowMs, Number.parseInt(name, 10) - 1), until: nowMs + 1 };
  return { range, previous: justBefore(range), endsNow: true };
}

/**
 * The range before that of a query.
 * @param range what its dates mean
 * @param shownEnd `date_range.end_date` of the answer: now, if the range ends now
 */
export function previousAt(query: string, range: OracleRange, shownEnd: string): OracleRange {
  const parameters = new URLSearchParams(query);
  const period = parameters.get('period');
  const endMs = new Date(shownEnd).getTime();
  // The end of a whole period is a second before the next one, so it is told from the day after.
  if (period !== null) {
    const { endsNow, previous } = periodAt(period, endMs);
    return endsNow ? previous : periodAt(period, endMs + 1_000).previous;
  }
  return justBefore(parameters.has('end_date') ? range : { from: range.from, until: endMs + 1 });
}

function justBefore({ from, until }: OracleRange): OracleRange {
  return { from: from - (until - from), until: from };
}

/** The first instant of the unit that holds an instant, or of one so many before. */
function beginOf(unit: string, ms: number, ago: number): number {
  const at = new Date(ms);
  const [year, month, date] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (unit === 'year') return Date.UTC(year - ago, 0);
  if (unit === 'month') return Date.UTC(year, month - ago);
  return Date.UTC(year, month, unit === 'day' ? date - ago : date - ((at.getUTCDay() + 6) % 7) - 7 * ago);
}
