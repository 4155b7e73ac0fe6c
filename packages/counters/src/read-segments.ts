import {
  type Availability,
  dayOf,
  defaultWindowDays,
  type SeriesSegment,
  type Tally,
} from '@calltally/domain';
import { findGeneration, type Generations } from './generation.ts';
import { type Counted, countedOf, firstKeptDay, monthKey, userKey, weekKey } from './keys.ts';
import type { CounterSession } from './session.ts';

export interface SegmentsReading extends Counted {
  available: Availability;
  /** For each segment, its days or weeks in order; one tally for a month. */
  values: Tally[][];
}

/**
 * Reads single days, weeks and months in one script, at one moment.
 * @returns undefined if the counters do not know the user, or not enough of them
 * @throws CountersError
 */
export async function readSegments(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  segments: readonly SeriesSegment[],
): Promise<SegmentsReading | undefined> {
  const master = session.master(userId);
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) return undefined;
  const keys = [userKey(userId)];
  const args: (string | number)[] = [generation.id];
  for (const segment of segments) {
    const key = segment.kind === 'weeks' ? weekKey(userId, segment.isoYear) : monthKey(userId, segment.month);
    // 0 means the month's own sum. There is no day 0, and week 0 is of 1969, which nobody keeps.
    args.push(keys.push(key), ...(segment.kind === 'month' ? [0, 0] : [segment.first, segment.last]));
  }
  const reply = (await session.run(master, 'segments', keys, args)) as string[];
  if (reply.length === 0) return undefined;
  const valuesEnd = 2 + segments.length;
  const counted = countedOf(reply.slice(valuesEnd));
  // Until the default window is filled, only rows answer, as for dashboards (lua/buckets.lua).
  if (counted.isFilling && Number(reply[0]) > dayOf(nowMs) - defaultWindowDays + 1) return undefined;
  return {
    available: {
      fromDay: Math.max(Number(reply[0]), firstKeptDay(dayOf(nowMs), generation.retentionMonths)),
      lastStartedAt: Number(reply[1]),
    },
    values: reply.slice(2, valuesEnd).map(talliesOf),
    ...counted,
  };
}

function talliesOf(text: string): Tally[] {
  const numbers = text.split(' ');
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    calls: Number(numbers[2 * i]),
    durationMs: Number(numbers[2 * i + 1]),
  }));
}
