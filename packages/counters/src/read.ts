import {
  type Availability,
  dayOf,
  dayOfMonth,
  daysByMonth,
  defaultWindowDays,
  isoWeekYear,
  monthOf,
  type Segment,
  type Tally,
  weekOf,
} from '@calltally/domain';
import type { Generations } from './generation.ts';
import { appliedOf, BASE_FIELD, firstKeptDay, monthKey, userKey, weekKey } from './keys.ts';
import type { CounterSession } from './session.ts';
import type { CurrentCalls } from './window-sums.ts';

export interface CountersReading extends CurrentCalls {
  available: Availability;
  /** Sum of the default window: today and the 30 days before it, whole. */
  window: Tally;
  /** Sum of the buckets asked for. */
  range: Tally;
  /** For each `stream:partition` the offset through which these numbers count. */
  applied: Map<string, number>;
  /** Older calls of the user are still to be filled in. */
  isFilling?: true;
}

/**
 * Adds up buckets in one script, at one moment; leaves the sums of the default window ready for `readWindowSums`.
 * @returns undefined when the counters do not know the user
 * @throws CountersError
 */
export async function readBuckets(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  buckets: readonly Segment[],
): Promise<CountersReading | undefined> {
  const master = session.master(userId);
  const generation = generations.get(master);
  if (generation === undefined) return undefined;
  const today = dayOf(nowMs);
  const thisWeek = weekOf(today);
  const thisMonth = monthOf(today);
  const keys = [userKey(userId), weekKey(userId, isoWeekYear(thisWeek))];
  const months = new Map<number, number>();
  const monthIndex = (month: number) => {
    const known = months.get(month);
    if (known !== undefined) return known;
    const at = keys.push(monthKey(userId, month));
    months.set(month, at);
    return at;
  };
  const segment = (bucket: Segment) =>
    bucket.kind === 'month'
      ? [monthIndex(bucket.month), 0, 0]
      : [monthIndex(bucket.month), bucket.first, bucket.last];
  const window = daysByMonth(today - defaultWindowDays + 1, today);
  const reply = (await session.run(
    master,
    'read',
    keys,
    [
      generation.id,
      today,
      thisWeek,
      thisMonth,
      dayOfMonth(today),
      monthIndex(thisMonth),
      window.length,
      ...window.flatMap(segment),
      ...buckets.flatMap(segment),
    ].map(String),
  )) as string[];
  if (reply.length === 0) return undefined;
  const number = (at: number) => Number(reply[at]);
  return {
    available: {
      fromDay: Math.max(number(0), firstKeptDay(today, generation.retentionMonths)),
      lastStartedAt: number(1),
    },
    today: number(2),
    thisWeek: number(3),
    thisMonth: number(4),
    window: { calls: number(5), durationMs: number(6) },
    range: { calls: number(7), durationMs: number(8) },
    applied: appliedOf(reply.slice(9)),
    ...(reply.includes(BASE_FIELD) && { isFilling: true }),
  };
}
