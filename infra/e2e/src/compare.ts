import { setTimeout as sleep } from 'node:timers/promises';
import { CounterSession, readGenerations, snapshotUser, type UserSnapshot } from '@calltally/counters';
import { fillUntilComplete, repairUsers } from '@calltally/ledger';
import { ask, figuresOf } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import type { OracleFigures } from './oracle.ts';
import type { World } from './world.ts';

interface Difference {
  userId: string;
  has: unknown;
  shouldHave: unknown;
}

/** Users whose figures (all-time, month or default) differ from the oracle's. */
export async function compareWithOracle({
  platform,
  oracle,
  keys,
}: World<Deployment>): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (const [userId, key] of keys) {
    for (const query of ['start_date=2000-01-01', 'start_date=2025-01-01&end_date=2025-12-31', '']) {
      const answer = await askPatiently(platform, key, query);
      const has = figuresOf(answer);
      const right = [answer.askedAtMs, Date.now()].map((now) =>
        oracle.figures(userId, rangeOf(query, now), now),
      );
      if (right.some((figures) => same(has, figures))) continue;
      differences.push({ userId, has: has ?? answer.body, shouldHave: right[1] });
    }
  }
  return differences;
}

/** Longer than the API refuses a user's sums after one that was late. */
const PATIENCE_MS = 20_000;

/** Retries as clients do: every 503 has Retry-After. */
async function askPatiently(platform: Deployment, key: string, query: string) {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const askedAtMs = Date.now();
    const answer = await ask(platform.api.url, key, query);
    if (answer.status !== 503 || askedAtMs > end) return { ...answer, askedAtMs };
    await sleep(500);
  }
}

function rangeOf(query: string, nowMs: number): { from: number; until: number } {
  if (query.includes('end_date')) return { from: Date.UTC(2025, 0, 1), until: Date.UTC(2026, 0, 1) };
  if (query !== '') return { from: Date.UTC(2000, 0, 1), until: nowMs + 1 };
  const now = new Date(nowMs);
  return { from: Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30), until: nowMs + 1 };
}

function same(a: OracleFigures | undefined, b: OracleFigures): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Users whose counters change when they are filled again from rows. Skips cold users. */
export async function compareWithRows({ platform, keys }: World<Deployment>): Promise<Difference[]> {
  const session = await CounterSession.open({
    ...platform.counters,
    commandTimeoutMs: 10_000,
    openTimeoutMs: 2_000,
  });
  try {
    const generations = await readGenerations(session);
    const now = Date.now();
    const snapshot = async (userId: string) => plain(await snapshotUser(session, generations, userId, now));
    const differences: Difference[] = [];
    for (const userId of keys.keys()) {
      const ledger = { store: platform.store, session, generations };
      if ((await snapshot(userId)) === undefined) continue;
      await fillUntilComplete(ledger, [userId]);
      const has = await snapshot(userId);
      await repairUsers(ledger, [userId]);
      const shouldHave = await snapshot(userId);
      if (JSON.stringify(has) !== JSON.stringify(shouldHave)) {
        differences.push({ userId, has, shouldHave });
      }
    }
    return differences;
  } finally {
    session.end('compared');
  }
}

function plain(snapshot: UserSnapshot | undefined) {
  if (snapshot === undefined) return undefined;
  return [...snapshot.buckets]
    .filter(([, { calls, durationMs }]) => calls !== 0 || durationMs !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
