import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type {
  Oracle,
  OracleBucket,
  OracleDimension,
  OracleDurations,
  OracleFigures,
  OracleFilter,
  OracleGroup,
  OracleInterval,
  OracleRange,
  OracleTotals,
} from './oracle.ts';

export interface Answer<T = OracleFigures> {
  status: number;
  source: string | null;
  asOf: string | null;
  /** X-Tally-Cells. */
  cells: string | null;
  retryAfter: string | null;
  body: {
    success: boolean;
    message: string;
    data?: T & { date_range: { end_date: string } };
    error?: { code: string };
  };
  tookMs: number;
}

export interface Breakdown {
  by: string[];
  groups: OracleGroup[];
  /** What the limit left out. */
  rest: Omit<OracleGroup, 'agent_id' | 'direction' | 'status'> | null;
}

export interface TimeSeries {
  interval: OracleInterval | 'hour';
  buckets: OracleBucket[];
}

/** What is sent to each route of analytics; `previous` with `compare=previous`. */
export interface Routes {
  dashboard: OracleFigures & { previous?: OracleTotals & { date_range: unknown } };
  timeseries: TimeSeries & { previous?: Pick<TimeSeries, 'buckets'> & { date_range: unknown } };
  breakdown: Breakdown;
  durations: OracleDurations;
}

/** Sends GET /analytics/dashboard as a client does. */
export function ask(url: string, apiKey: string, query = ''): Promise<Answer> {
  return askFor('dashboard', url, apiKey, query);
}

/** As `ask`, for any route of analytics. */
export async function askFor<R extends keyof Routes>(
  route: R,
  url: string,
  apiKey: string,
  query = '',
): Promise<Answer<Routes[R]>> {
  const began = performance.now();
  const response = await fetch(`${url}/analytics/${route}${query === '' ? '' : `?${query}`}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const text = await response.text();
  // A balancer's own errors are pages.
  const body: Answer<Routes[R]>['body'] = text.startsWith('{')
    ? JSON.parse(text)
    : { success: false, message: text };
  return {
    status: response.status,
    source: response.headers.get('x-tally-source'),
    asOf: response.headers.get('x-tally-as-of'),
    cells: response.headers.get('x-tally-cells'),
    retryAfter: response.headers.get('retry-after'),
    body,
    tookMs: performance.now() - began,
  };
}

const FILTERED_BY = { agent: 'agent_id', direction: 'direction', status: 'status' } as const;

/** The parameters of a filter. */
export function filterQuery(filter: OracleFilter): string {
  const parameters = new URLSearchParams();
  for (const [dimension, values] of Object.entries(filter)) {
    for (const value of values) parameters.append(FILTERED_BY[dimension as OracleDimension], value);
  }
  return `${parameters}`;
}

/** Parameters together; each part may be empty. */
export function queryOf(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('&');
}

/** The figures of an answer, without the echoed range. */
export function figuresOf(answer: Answer): OracleFigures | undefined {
  return withoutRange(answer.body.data);
}

/** `data` of an answer, without the echoed range. */
export function withoutRange<T extends { date_range: unknown }>(data: T): Omit<T, 'date_range'>;
export function withoutRange<T extends { date_range: unknown }>(
  data: T | undefined,
): Omit<T, 'date_range'> | undefined;
export function withoutRange<T extends { date_range: unknown }>(data: T | undefined) {
  if (data === undefined) return undefined;
  const { date_range: _, ...rest } = data;
  return rest;
}

/**
 * The answer and the expected figures, for a range that may end now. The clock may tick between the request and the
 * answer, so the figures from before and after the tick are right.
 */
export async function askAndCompare(
  url: string,
  apiKey: string,
  userId: string,
  oracle: Oracle,
  range: OracleRange & { query: string },
  filter: OracleFilter = {},
): Promise<{ answer: Answer; found: OracleFigures | undefined; expected: OracleFigures }> {
  const before = Date.now();
  const answer = await ask(url, apiKey, range.query);
  const after = Date.now();
  const found = figuresOf(answer);
  const early = oracle.figures(userId, range, before, filter);
  const late = oracle.figures(userId, range, after, filter);
  return { answer, found, expected: isDeepStrictEqual(found, late) ? late : early };
}

/** Polls until a user's two-year sum equals the oracle's. Returns the last answer after the time limit. */
export async function untilCounted(
  url: string,
  apiKey: string,
  userId: string,
  oracle: Oracle,
  withinMs: number,
): Promise<Answer> {
  let answer: Answer | undefined;
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(100)) {
    answer = await ask(url, apiKey, 'start_date=2000-01-01').catch(() => answer);
    if (answer?.body.data?.total_calls === oracle.callsOf(userId)) return answer;
  }
  return answer!;
}

const ANSWERED_WITHIN_MS = 90_000;

/** Polls until the default window has so many calls, read from counters. */
export async function untilAnswered(url: string, apiKey: string, calls: number): Promise<Answer> {
  for (const end = Date.now() + ANSWERED_WITHIN_MS; ; await sleep(100)) {
    const answer = await ask(url, apiKey);
    if (answer.body.data?.total_calls === calls && answer.source === 'counters') return answer;
    if (Date.now() > end) throw new Error(`not ${calls} calls: ${JSON.stringify(answer)}`);
  }
}
