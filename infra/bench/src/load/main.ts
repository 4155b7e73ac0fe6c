import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { answer } from '../processes.ts';
import { shuffled } from '../statistics.ts';

/** Requests with every key for `seconds`, or once with each; or one dashboard. */
export interface LoadRequest {
  url: string;
  seconds?: number;
  /** Requests a second; by default as many as the server answers. */
  perSecond?: number;
  /** Queries to send with every key, each empty or with its question mark; by default the default window. */
  queries?: readonly string[];
  one?: OneDashboard;
}

export interface OneDashboard {
  key: string;
  /** Empty, or with its question mark. */
  query: string;
  /** Stops after so many answers. */
  answers: number;
}

export interface LoadReply {
  answers: number;
  failures: number;
  tookSeconds: number;
  /** CPU time of this process. */
  cpuSeconds: number;
}

const CONNECTIONS = 32;
/** Slow answers are measured too. */
const ANSWER_WITHIN_SECONDS = 60;
/** How often to check whether everything is answered. */
const LOOK_EVERY_MS = 100;

const [file] = process.argv.slice(2);
const keys: string[] = JSON.parse(readFileSync(file!, 'utf8'));
answer(load);

async function load({ url, seconds, perSecond, queries = [''], one }: LoadRequest): Promise<LoadReply> {
  const cpuBefore = process.cpuUsage();
  const connections = Math.min(CONNECTIONS, one?.answers ?? CONNECTIONS);
  // Build requests beforehand: writing a key into each one while sending would make this side the bottleneck.
  const shares = one ? [[requestOf(one.key, one.query)]] : dealtOut(queries);
  let client = 0;
  let beganMs = 0;
  let lastMs = 0;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon(
      {
        url,
        connections,
        timeout: ANSWER_WITHIN_SECONDS,
        sampleInt: LOOK_EVERY_MS,
        ...(perSecond !== undefined && { overallRate: perSecond }),
        ...(seconds === undefined ? { amount: one?.answers ?? keys.length } : { duration: seconds }),
        setupClient: (connection) => connection.setRequests(shares[client++ % shares.length]!),
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
    running.on('start', () => {
      beganMs = performance.now();
    });
    running.on('response', () => {
      lastMs = performance.now();
    });
  });
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    answers: result['2xx'],
    failures: result.errors + result.timeouts + result.non2xx,
    tookSeconds: (lastMs - beganMs) / 1_000,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** Deals the keys out to the connections, in random order, each with every query. */
function dealtOut(queries: readonly string[]): autocannon.Request[][] {
  const shares: autocannon.Request[][] = Array.from({ length: CONNECTIONS }, () => []);
  for (const [i, key] of shuffled(keys).entries()) {
    shares[i % CONNECTIONS]!.push(...queries.map((query) => requestOf(key, query)));
  }
  return shares;
}

function requestOf(key: string, query: string): autocannon.Request {
  const headers = { authorization: `Bearer ${key}` };
  return { method: 'GET', path: `/analytics/dashboard${query}`, headers };
}
