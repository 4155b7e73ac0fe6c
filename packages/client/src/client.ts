import { answerOf, csvOf } from './answers.ts';
import { DashboardStream } from './stream.ts';
import { type Fetch, isSendable, Transport } from './transport.ts';
import type {
  Answer,
  Breakdown,
  BreakdownCsvQuery,
  BreakdownQuery,
  CsvAnswer,
  CsvQuery,
  Dashboard,
  DashboardQuery,
  Durations,
  RangeQuery,
  Timeseries,
  TimeseriesQuery,
} from './types.ts';

const TIMEOUT_MS = 10_000;
const RETRIES_MAX = 2;

/** An API key, or a token of your identity provider. A function is asked before each request, so let it cache. */
export type Credential =
  | { apiKey: string; token?: never }
  | { apiKey?: never; token: string | (() => string | Promise<string>) };

export type ClientOptions = Credential & {
  /** Where the API is, such as `https://calls.example.com`. In its own pages: `location.origin`. */
  baseUrl: string;
  /** Default: the global one. */
  fetch?: Fetch;
  /** How long to wait for a whole answer. Default 10 000. Streams wait 15 s for each heartbeat. */
  timeoutMs?: number;
  /** How often a request is repeated where a retry helps. Default 2. Streams reconnect as long as they are read. */
  retriesMax?: number;
};

export interface RequestOptions {
  signal?: AbortSignal | undefined;
}

export interface Client {
  /** The figures of a range; of the last 30 days if it is empty. @throws ClientError */
  dashboard(query?: DashboardQuery, options?: RequestOptions): Promise<Answer<Dashboard>>;
  /** The figures of a range by hour, day, week or month. @throws ClientError */
  timeseries(query?: TimeseriesQuery, options?: RequestOptions): Promise<Answer<Timeseries>>;
  /** The same as a CSV. @throws ClientError */
  timeseriesCsv(query?: CsvQuery, options?: RequestOptions): Promise<CsvAnswer>;
  /** The figures of a range by agent, direction or status. @throws ClientError */
  breakdown(query: BreakdownQuery, options?: RequestOptions): Promise<Answer<Breakdown>>;
  /** The same as a CSV. @throws ClientError */
  breakdownCsv(query: BreakdownCsvQuery, options?: RequestOptions): Promise<CsvAnswer>;
  /** How long the calls of a range took: percentiles and a histogram. @throws ClientError */
  durations(query?: RangeQuery, options?: RequestOptions): Promise<Answer<Durations>>;
  /**
   * The dashboard's figures, at once and whenever they change: `for await (const event of client.stream())`. Reconnects
   * as needed, and ends when the loop is left or the signal aborted. A stream is read by one loop.
   * @throws ClientError from the loop: an error that a retry does not mend, such as a revoked key
   */
  stream(query?: RangeQuery, options?: RequestOptions): DashboardStream;
}

/** @throws TypeError if an option is invalid */
export function createClient(options: ClientOptions): Client {
  const { timeoutMs = TIMEOUT_MS, retriesMax = RETRIES_MAX } = options;
  const credential = credentialOf(options);
  const transport = new Transport({
    baseUrl: baseUrlOf(options.baseUrl),
    credential,
    // Looked up for each request, and called as browsers require.
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    timeoutMs: atLeast('timeoutMs', timeoutMs, 1),
    retriesMax: atLeast('retriesMax', retriesMax, 0),
  });

  return {
    dashboard: (query = {}, { signal } = {}) =>
      transport.get('analytics/dashboard', query, signal, answerOf<Dashboard>),
    timeseries: (query = {}, { signal } = {}) =>
      transport.get('analytics/timeseries', { ...query, format: 'json' }, signal, answerOf<Timeseries>),
    timeseriesCsv: (query = {}, { signal } = {}) =>
      transport.get('analytics/timeseries', { ...query, format: 'csv' }, signal, csvOf),
    breakdown: (query, { signal } = {}) =>
      transport.get('analytics/breakdown', ofBreakdown(query, 'json'), signal, answerOf<Breakdown>),
    breakdownCsv: (query, { signal } = {}) =>
      transport.get('analytics/breakdown', ofBreakdown(query, 'csv'), signal, csvOf),
    durations: (query = {}, { signal } = {}) =>
      transport.get('analytics/durations', query, signal, answerOf<Durations>),
    stream: (query = {}, { signal } = {}) =>
      new DashboardStream({ transport, query, signal, canRenew: typeof credential === 'function' }),
  };
}

function ofBreakdown({ by, limit, ...query }: BreakdownCsvQuery, format: 'json' | 'csv') {
  return { by: [by].flat().join(','), ...query, limit: limit?.toString(), format };
}

function credentialOf({ apiKey, token }: Credential): string | (() => string | Promise<string>) {
  if ((apiKey === undefined) === (token === undefined)) {
    throw new TypeError('Give either apiKey or token: one says who asks.');
  }
  const credential = apiKey ?? token;
  if (typeof credential === 'function' || isSendable(credential)) return credential;
  const name = apiKey === undefined ? 'token' : 'apiKey';
  throw new TypeError(
    `${name} is empty or has a character that no header can carry, such as a space or a line break.`,
  );
}

/** @returns the address with a slash at its end */
function baseUrlOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `baseUrl ${JSON.stringify(text)} is no address. Give a whole one, with http: or https:.`,
    );
  }
  if (url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new TypeError('baseUrl has a login, a query or a fragment. Leave it out.');
  }
  return url.href.replace(/\/*$/, '/');
}

function atLeast(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new TypeError(`${name} is ${value}. Give a whole number of at least ${least}.`);
}
