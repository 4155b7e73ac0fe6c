import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Oracle, OracleFigures, OracleRange } from './oracle.ts';

export interface Answer {
  status: number;
  source: string | null;
  asOf: string | null;
  retryAfter: string | null;
  body: {
    success: boolean;
    message: string;
    data?: OracleFigures & { date_range: unknown };
    error?: { code: string };
  };
  tookMs: number;
}

/** Sends GET /analytics/dashboard as a client does. */
export async function ask(url: string, apiKey: string, query = ''): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${url}/analytics/dashboard${query === '' ? '' : `?${query}`}`, {
    headers: { authorization: `Bearer ${apiKey}` },
  });
  const text = await response.text();
  // A balancer's own errors are pages.
  const body: Answer['body'] = text.startsWith('{') ? JSON.parse(text) : { success: false, message: text };
  return {
    status: response.status,
    source: response.headers.get('x-tally-source'),
    asOf: response.headers.get('x-tally-as-of'),
    retryAfter: response.headers.get('retry-after'),
    body,
    tookMs: performance.now() - began,
  };
}

/** The figures of an answer, without the echoed range. */
export function figuresOf(answer: Answer): OracleFigures | undefined {
  if (answer.body.data === undefined) return undefined;
  const { date_range: _, ...figures } = answer.body.data;
  return figures;
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
): Promise<{ answer: Answer; found: OracleFigures | undefined; expected: OracleFigures }> {
  const before = Date.now();
  const answer = await ask(url, apiKey, range.query);
  const after = Date.now();
  const found = figuresOf(answer);
  const early = oracle.figures(userId, range, before);
  const late = oracle.figures(userId, range, after);
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
