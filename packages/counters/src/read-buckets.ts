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
import { findGeneration, type Generations } from './generation.ts';
import { type Counted, countedOf, firstKeptDay, monthKey, userKey, weekKey } from './keys.ts';
import type { CounterSession } from './session.ts';
import type { CurrentCalls } from './window-sums.ts';

export interface CountersReading extends CurrentCalls, Counted {
  available: Availability;
  /** Sum of the default window: today and the 30 days before it, all of them whole. */
  window: Tally;
  /** Sum of the segments asked for. */
  range: Tally;
}

/**
 * Adds up buckets in one script, at one moment, and stores the window sums for `readWindowSums`.
 * @returns undefined if the counters do not know the user, or not the whole default window
 * @throws CountersError
 */
export async function readBuckets(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  segments: readonly Segment[],
): Promise<CountersReading | undefined> {
  const master = session.master(userId);
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) return undefined;
  const today = dayOf(nowMs);
  const thisWeek = weekOf(today);
  const thisMonth = monthOf(today);
  const keys = [userKey(userId), weekKey(userId, isoWeekYear(thisWeek))];
  const monthIndexes = new Map<number, number>();
  const monthIndex = (month: number) => {
    const index = monthIndexes.get(month) ?? keys.push(monthKey(userId, month));
    monthIndexes.set(month, index);
    return index;
  };
  const argumentsOf = (segment: Segment) =>
    segment.kind === 'month'
      ? [monthIndex(segment.month), 0, 0]
      : [monthIndex(segment.month), segment.first, segment.last];
  const window = daysByMonth(today - defaultWindowDays + 1, today);
  const args = [
    generation.id,
    today,
    thisWeek,
    thisMonth,
    dayOfMonth(today),
    monthIndex(thisMonth),
    window.length,
    ...window.flatMap(argumentsOf),
    ...segments.flatMap(argumentsOf),
  ];
  const reply = (await session.read(master, 'buckets', keys, args)) as string[];
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
    ...countedOf(reply.slice(9)),
  };
}
