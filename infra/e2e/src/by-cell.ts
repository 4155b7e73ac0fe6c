import { isDeepStrictEqual } from 'node:util';
import {
  type Answer,
  askAndCompare,
  askFor,
  type Breakdown,
  filterQuery,
  queryOf,
  withoutRange,
} from './dashboard.ts';
import type { Oracle, OracleDimension, OracleFilter, OracleInterval } from './oracle.ts';
import { previousAt } from './oracle-periods.ts';
import type { Chance } from './random.ts';
import {
  cutDays,
  randomBy,
  randomFilter,
  randomPeriod,
  randomRange,
  type WrittenRange,
  wholeDaysOfCells,
} from './ranges.ts';

/** What is asked of the same calls: a breakdown, figures, a time series, both of the range before, too, and durations. */
export interface CellsQuestion {
  range: WrittenRange;
  by: readonly OracleDimension[];
  filter: OracleFilter;
  interval: OracleInterval;
}

/** What differs from the oracle, or from each other, and where the answers came from. */
export interface CellsVerdict {
  differences: { asked: string; has: unknown; shouldHave: unknown }[];
  /** Of the requests that need sums by cell. */
  answers: Pick<Answer, 'status' | 'source' | 'cells' | 'tookMs'>[];
}

const YEAR_MS = 365 * 86_400_000;
/** A longer range has too many days. */
const DAYS_MAX_MS = 2.5 * YEAR_MS;

export function randomCellsQuestion(chance: Chance): CellsQuestion {
  const now = Date.now();
  const range = chance.pick([
    () => randomRange(chance, now - 4 * YEAR_MS, now),
    () => wholeDaysOfCells(chance, now),
    () => cutDays(chance, now),
    () => randomPeriod(chance, now),
  ])();
  const isLong = range.until - range.from > DAYS_MAX_MS;
  const interval = chance.pick<OracleInterval>(isLong ? ['week', 'month'] : ['day', 'week', 'month']);
  return { range, by: randomBy(chance), filter: randomFilter(chance), interval };
}

/** Asks all of it, for calls that are all counted, and that no more are added to. */
export async function askByCell(
  { url, key, userId, oracle }: { url: string; key: string; userId: string; oracle: Oracle },
  { range, by, filter, interval }: CellsQuestion,
): Promise<CellsVerdict> {
  const verdict: CellsVerdict = { differences: [], answers: [] };
  const same = (asked: string, has: unknown, shouldHave: unknown) => {
    if (!isDeepStrictEqual(has, shouldHave)) verdict.differences.push({ asked, has, shouldHave });
  };
  const query = queryOf(range.query, filterQuery(filter));

  const breakdownQuery = queryOf(query, `by=${by}`);
  const breakdown = await askFor('breakdown', url, key, breakdownQuery);
  const groups = oracle.breakdown(userId, range, by, filter);
  same(`breakdown?${breakdownQuery}`, withoutRange(breakdown.body.data), { by, groups, rest: null });

  const limitedQuery = queryOf(breakdownQuery, 'limit=2');
  const limited = await askFor('breakdown', url, key, limitedQuery);
  const all = sumOf(groups);
  same(`breakdown?${limitedQuery}`, limited.body.data?.groups, groups.slice(0, 2));
  same(`sum of breakdown?${limitedQuery}`, sumWithRest(limited.body.data), all);

  const { answer, found, expected } = await askAndCompare(
    url,
    key,
    userId,
    oracle,
    { ...range, query },
    filter,
  );
  same(`dashboard?${query}`, found ?? answer.body, expected);
  same(`calls of dashboard?${query}`, found?.total_calls, all.calls);
  const minutes = Number((BigInt(all.duration_ms) * 2n + 600n) / 1200n) / 100;
  same(`minutes of dashboard?${query}`, found?.total_duration_minutes, minutes);

  const seriesQuery = queryOf(query, `interval=${interval}`);
  const series = await askFor('timeseries', url, key, seriesQuery);
  const buckets = oracle.series(userId, range, interval, filter);
  same(`timeseries?${seriesQuery}`, withoutRange(series.body.data), { interval, buckets });
  same(`sum of timeseries?${seriesQuery}`, sumOf(series.body.data?.buckets ?? []), all);

  const comparedQuery = queryOf(query, 'compare=previous');
  const compared = (await askFor('dashboard', url, key, comparedQuery)).body.data;
  const before = compared && previousAt(query, range, compared.date_range.end_date);
  const previous = withoutRange(compared?.previous);
  same(`previous of dashboard?${comparedQuery}`, previous, before && oracle.totals(userId, before, filter));

  const comparedSeriesQuery = queryOf(seriesQuery, 'compare=previous');
  const comparedSeries = (await askFor('timeseries', url, key, comparedSeriesQuery)).body.data;
  const bucketsBefore =
    comparedSeries &&
    oracle.series(userId, previousAt(query, range, comparedSeries.date_range.end_date), interval, filter);
  same(`previous of timeseries?${comparedSeriesQuery}`, comparedSeries?.previous?.buckets, bucketsBefore);

  const durations = await askFor('durations', url, key, query);
  same(`durations?${query}`, withoutRange(durations.body.data), oracle.durations(userId, range, filter));

  // Without a filter, figures and series need no sums by cell.
  const byCell = query === range.query ? [breakdown, limited] : [breakdown, limited, answer, series];
  for (const { status, source, cells, tookMs } of byCell) {
    verdict.answers.push({ status, source, cells, tookMs });
  }
  return verdict;
}

function sumOf(parts: readonly { calls: number; duration_ms: number }[]) {
  const sum = { calls: 0, duration_ms: 0 };
  for (const { calls, duration_ms } of parts) {
    sum.calls += calls;
    sum.duration_ms += duration_ms;
  }
  return sum;
}

function sumWithRest(data: Breakdown | undefined) {
  if (data === undefined) return undefined;
  return sumOf(data.rest === null ? data.groups : [...data.groups, data.rest]);
}
