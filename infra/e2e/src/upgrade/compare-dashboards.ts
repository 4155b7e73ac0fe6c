import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ask, figuresOf } from '../dashboard.ts';
import type { OracleRange } from '../oracle.ts';
import type { World } from '../world.ts';

/** Requests that every version answers, and the range of each at an instant. */
const RANGES: readonly [query: string, at: (nowMs: number) => OracleRange][] = [
  ['start_date=2000-01-01', (nowMs) => ({ from: Date.UTC(2000, 0, 1), until: nowMs + 1 })],
  [
    'start_date=2025-01-01&end_date=2025-12-31',
    () => ({ from: Date.UTC(2025, 0, 1), until: Date.UTC(2026, 0, 1) }),
  ],
];

const PATIENCE_MS = 60_000;

/** Dashboards of every API process that differ from the oracle's, or that its counters do not answer. */
export async function compareDashboards({ platform, oracle, keys }: World): Promise<object[]> {
  const differences: object[] = [];
  for (const { url } of platform.apis) {
    for (const [userId, key] of keys) {
      for (const [query, at] of RANGES) {
        const { askedAtMs, ...answer } = await askCounters(url, key, query);
        const has = figuresOf(answer);
        const right = [askedAtMs, Date.now()].map((now) => oracle.figures(userId, at(now), now));
        const isRight = right.some((one) => isDeepStrictEqual(has, one));
        if (isRight && isOfCounters(answer)) continue;
        const { source, body } = answer;
        differences.push({ url, userId, query, source, has: has ?? body, shouldHave: right[1] });
      }
    }
  }
  return differences;
}

/** Asks until counters answer, as they do once a user is filled; then for a limited time. */
async function askCounters(url: string, key: string, query: string) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(500)) {
    const askedAtMs = Date.now();
    const answer = await ask(url, key, query);
    if (isOfCounters(answer) || askedAtMs > end) return { ...answer, askedAtMs };
  }
}

function isOfCounters({ source }: { source: string | null }): boolean {
  return source?.startsWith('counters') === true;
}
