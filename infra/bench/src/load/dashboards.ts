import { answer } from '../child.ts';
import { Client } from '../client.ts';
import { percentile } from '../statistics.ts';

/** So many dashboards a second, one after another at even distances: every key with every query, in turns. */
export interface DashboardsRequest {
  url: string;
  keys: readonly string[];
  queries: readonly string[];
  perSecond: number;
  seconds: number;
}

export interface DashboardsReply {
  answers: number;
  /** Requests without an answer of 200. */
  failures: number;
  p50Ms: number;
  p99Ms: number;
}

const CONNECTIONS = 8;
const TICK_MS = 5;

answer(async ({ url, keys, queries, perSecond, seconds }: DashboardsRequest): Promise<DashboardsReply> => {
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(url));
  const wanted = keys.flatMap((key) => queries.map((query) => ({ key, query })));
  const asking: Promise<unknown>[] = [];
  const tookMs: number[] = [];
  let failures = 0;
  const ask = (i: number) => {
    const { key, query } = wanted[i % wanted.length]!;
    return clients[i % CONNECTIONS]!.ask(key, query).then(
      (answered) => tookMs.push(answered.tookMs),
      (thrown) => {
        failures += 1;
        console.error(thrown);
      },
    );
  };
  const beganMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min((performance.now() - beganMs) / 1_000, seconds) * perSecond;
      while (asking.length < due) asking.push(ask(asking.length));
      if (asking.length < seconds * perSecond) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
  await Promise.all(asking);
  for (const client of clients) client.close();
  return {
    answers: tookMs.length,
    failures,
    p50Ms: percentile(tookMs, 0.5),
    p99Ms: percentile(tookMs, 0.99),
  };
});
