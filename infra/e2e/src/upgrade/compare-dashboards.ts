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

/** Dashboards of every API process that differ from the oracle's. */
export async function compareDashboards({ platform, oracle, keys }: World): Promise<object[]> {
  const differences: object[] = [];
  for (const { url } of platform.apis) {
    for (const [userId, key] of keys) {
      for (const [query, at] of RANGES) {
        const askedAtMs = Date.now();
        const answer = await ask(url, key, query);
        const has = figuresOf(answer);
        const right = [askedAtMs, Date.now()].map((now) => oracle.figures(userId, at(now), now));
        if (right.some((one) => isDeepStrictEqual(has, one))) continue;
        differences.push({ url, userId, query, has: has ?? answer.body, shouldHave: right[1] });
      }
    }
  }
  return differences;
}
