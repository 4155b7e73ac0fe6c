import type { DashboardData, SeriesBucketData } from '@calltally/domain';
import { csvFormatOf } from './csv-format.ts';
import { Fault, faultOf } from './fault.ts';

const ANSWER_WITHIN_MS = 10_000;

/** The figures of a range; the last 31 days where `query` is empty. @throws Fault */
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

/** The series as a file that the reader's own spreadsheet takes, by the name that the API gives it. @throws Fault */
export async function fetchCsv(key: string, query: string): Promise<{ name: string; content: Blob }> {
  const response = await ask(key, `/analytics/timeseries?${query}&format=csv${csvFormatOf()}`);
  const name = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { name: name ?? 'calltally.csv', content: await response.blob() };
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
