import type { DashboardData, SeriesBucketData } from '@calltally/domain';

const ANSWER_WITHIN_MS = 10_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export type FaultKind = 'refused' | 'limited' | 'unavailable' | 'failed' | 'unreachable';

const KINDS: Readonly<Record<number, FaultKind>> = { 401: 'refused', 429: 'limited', 503: 'unavailable' };

/** Why a request got no figures. */
export class Fault extends Error {
  override readonly name = 'Fault';

  constructor(
    readonly kind: FaultKind,
    /** The API's message, or ours if it did not answer. */
    message: string,
    /** How long the API asks to wait. */
    readonly retryAfterMs = 0,
    /** Finds the request in the API's log. */
    readonly requestId: string | undefined = undefined,
  ) {
    super(message);
  }
}

/** @param query a range; the default window if empty. @throws Fault */
export async function fetchDashboard(
  key: string,
  query: string,
  signal?: AbortSignal,
): Promise<DashboardData> {
  const response = await ask(key, `/analytics/dashboard?${query}`, signal);
  return (await response.json()).data;
}

/** @throws Fault */
export async function fetchBuckets(
  key: string,
  query: string,
  signal?: AbortSignal,
): Promise<SeriesBucketData[]> {
  const response = await ask(key, `/analytics/timeseries?${query}`, signal);
  return (await response.json()).data.buckets;
}

/** The series as a CSV for the browser's locale, under the API's file name. @throws Fault */
export async function fetchCsv(key: string, query: string): Promise<{ name: string; content: Blob }> {
  const response = await ask(key, `/analytics/timeseries?${query}&format=csv${csvFormatOf()}`);
  const name = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { name: name ?? 'calltally.csv', content: await response.blob() };
}

/** The fault of an error response. A proxy may have written it, so its body may be anything. */
export async function faultOf(response: Response): Promise<Fault> {
  const body: unknown = await response.json().catch(() => undefined);
  const message = (body as { message?: unknown } | undefined)?.message;
  return new Fault(
    KINDS[response.status] ?? 'failed',
    typeof message === 'string' ? message : `The server answered with status ${response.status}.`,
    1000 * (Number(response.headers.get('retry-after')) || 0),
    response.headers.get('x-request-id') ?? undefined,
  );
}

/**
 * The pause before the next try, after `failures` in a row (at least 1). Half of it is random, so that a thousand pages do
 * not return to a restarted server at the same moment.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.round(fullMs * (0.5 + random() / 2));
}

/**
 * CSV parameters that spreadsheets of a locale open correctly. With a decimal comma, cells need another separator.
 * @param locale default: the browser's
 */
export function csvFormatOf(locale?: string): string {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const isComma = parts.some(({ type, value }) => type === 'decimal' && value === ',');
  return isComma ? '&separator=semicolon&decimal=comma' : '';
}

async function ask(key: string, path: string, signal?: AbortSignal): Promise<Response> {
  const limit = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const response = await fetch(path, {
    headers: { authorization: `Bearer ${key}` },
    cache: 'no-store',
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  }).catch((thrown: unknown) => {
    if (signal?.aborted) throw thrown;
    throw new Fault('unreachable', 'The server cannot be reached.');
  });
  if (!response.ok) throw await faultOf(response);
  return response;
}
