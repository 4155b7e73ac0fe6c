import { randomUUID } from 'node:crypto';
import type { Tally } from '@calltally/domain';
import type { Engine } from '@calltally/stack';
import { type Test, testRedis } from '@calltally/stack/testing';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import {
  addPieces,
  type CountableEvent,
  CounterSession,
  type CounterSessionOptions,
  claimUsers,
  ensureGenerations,
  type FillProgress,
  forgetUsers,
  type Generations,
  openUsers,
  type UserDaySums,
  type WindowReading,
} from '../src/index.ts';

/** Long enough that buckets of the years used here are still kept. */
export const RETENTION_MONTHS = 120;
export const DAY_MS = 86_400_000;

export interface Counters {
  engine: Engine;
  /** A plain client of the same Redis. */
  admin: Redis;
  session: CounterSession;
  generations: Generations;
  open(settings?: Partial<CounterSessionOptions>): Promise<CounterSession>;
}

/** A Redis for this test alone, with a generation. */
export async function testCounters(t: Test, args: string[] = []): Promise<Counters> {
  const engine = await testRedis(t, args);
  const admin = new Redis(engine.address, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  admin.on('error', () => {});
  const opened: CounterSession[] = [];
  t.teardown(() => {
    admin.disconnect();
    for (const session of opened) session.end('the test is over');
  });
  const open = async (settings: Partial<CounterSessionOptions> = {}) => {
    const session = await CounterSession.open({
      url: engine.address,
      commandTimeoutMs: 10_000,
      openTimeoutMs: 10_000,
      ...settings,
    });
    opened.push(session);
    return session;
  };
  const session = await open();
  const generations = await ensureGenerations(session, {
    retentionMonths: RETENTION_MONTHS,
    through: new Map([['0:0', -1]]),
  });
  return { engine, admin, session, generations, open };
}

/** Forgets users and opens them, so that they have nothing and are to be filled through `base`. */
export async function opened(
  { session, generations }: Pick<Counters, 'session' | 'generations'>,
  userIds: readonly string[],
  nowMs: number,
  base: ReadonlyMap<string, number> = new Map(),
): Promise<FillProgress[]> {
  await forgetUsers(session, userIds);
  const claims = await claimUsers(session, generations, userIds, nowMs);
  const claimed = userIds.map((userId, i) => ({
    userId,
    claim: (claims[i] as { id: string }).id,
    fillId: randomUUID(),
  }));
  return (await openUsers(session, generations, claimed, base, nowMs)) as FillProgress[];
}

/** A user's sums as rows would give them, one entry for each UTC day. */
export function sumsOf(userId: string, days: [number, Tally][] = [], partitions: string[] = []): UserDaySums {
  const last = Math.max(...days.map(([day]) => day * DAY_MS));
  return {
    userId,
    days: new Map(days),
    detail: { cells: [], halfHours: [] },
    partitions: new Set(partitions),
    lastStartedAt: days.length === 0 ? -1 : last,
    hasCorrections: false,
  };
}

/** Makes users complete with no calls. */
export async function warm(
  counters: Pick<Counters, 'session' | 'generations'>,
  userIds: readonly string[],
  nowMs: number,
  base?: ReadonlyMap<string, number>,
): Promise<void> {
  const fillings = await opened(counters, userIds, nowMs, base);
  const pieces = userIds.map((userId, i) => ({
    filling: fillings[i]!,
    sums: sumsOf(userId),
    fromMs: -Infinity,
  }));
  await addPieces(counters.session, counters.generations, pieces);
}

/** What of an event counts. */
type CountedEvent = Pick<CountableEvent, 'startedAt' | 'durationMs'> & {
  correction?: CountableEvent['correction'] | undefined;
};

/** What a user's counters must hold, from the plain events, by the calendar of Date. */
export function oracle(events: readonly CountedEvent[], nowMs: number) {
  const now = new Date(nowMs);
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  const today = Date.UTC(year, month, now.getUTCDate());
  const monday = today - ((now.getUTCDay() + 6) % 7) * DAY_MS;
  const within = (from: number, until: number) =>
    events.filter(({ startedAt }) => startedAt >= from && startedAt < until);
  const window = within(today - 30 * DAY_MS, today + DAY_MS);
  return {
    today: tallyOf(within(today, today + DAY_MS)).calls,
    thisWeek: tallyOf(within(monday, monday + 7 * DAY_MS)).calls,
    thisMonth: tallyOf(within(Date.UTC(year, month), Date.UTC(year, month + 1))).calls,
    window: tallyOf(window),
    lastStartedAt: Math.max(
      -1,
      ...events.map(({ startedAt, correction }) => (correction?.sign === -1 ? -1 : startedAt)),
    ),
  };
}

/** Window sums without the day, week and month that they are of. */
export function saidBy(ready: WindowReading | undefined) {
  if (ready === undefined) return undefined;
  const { today, thisWeek, thisMonth, window, lastStartedAt } = ready;
  return { today, thisWeek, thisMonth, window, lastStartedAt };
}

export function tallyOf(events: readonly CountedEvent[]) {
  const tally = { calls: 0, durationMs: 0 };
  for (const { durationMs, correction } of events) {
    const sign = correction?.sign ?? 1;
    tally.calls += sign;
    tally.durationMs += sign * durationMs;
  }
  return tally;
}

/** Fails with the smallest counterexample. Asserting by `t` would keep fast-check from shrinking it. */
export async function holds<T>(
  t: { pass(message: string): void },
  property: fc.IAsyncProperty<T>,
  numRuns: number,
) {
  await fc.assert(property, { numRuns });
  t.pass(`${numRuns} runs`);
}
