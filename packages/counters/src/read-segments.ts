import {
  type Availability,
  dayOf,
  defaultWindowDays,
  type HalfHours,
  type SeriesSegment,
  type Tally,
  ZERO_TALLY,
} from '@calltally/domain';
import { findGeneration, type Generations } from './generation.ts';
import { chunkOfHalfHour, readHalfHours } from './half-hours-codec.ts';
import {
  type Counted,
  countedOf,
  firstDayWithDetail,
  firstKeptDay,
  halfHoursKey,
  monthKey,
  userKey,
  weekKey,
} from './keys.ts';
import { unpackStrings } from './message-pack.ts';
import { questionOf } from './question.ts';
import { recall } from './recall.ts';
import type { CounterSession } from './session.ts';

export interface SegmentsReading extends Counted {
  available: Availability;
  /** For each segment, its days, weeks or half-hours in order; one tally for a month. */
  values: Tally[][];
}

/** First UTC day whose half-hours `readSegments` can read of a user; Infinity if there is none. */
export function firstDayWithHalfHours(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): number {
  const { cellsMax = 0 } = findGeneration(session, generations, userId) ?? {};
  return cellsMax === 0 ? Infinity : firstDayWithDetail(dayOf(nowMs));
}

/**
 * Reads single days, weeks, months and half-hours in one script, at one moment.
 * @returns undefined if the counters do not know the user, or not enough of them
 * @throws CountersError
 */
export async function readSegments(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  segments: readonly (SeriesSegment | HalfHours)[],
): Promise<SegmentsReading | undefined> {
  const master = session.master(userId);
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) return undefined;
  const today = dayOf(nowMs);
  const question = questionOf(generation, userId, 'segments', today, segments);
  // Packed as it is, a reply takes a tenth of the memory that its tallies would.
  const reply = await recall(master, question, () => {
    const { keys, args } = argumentsOf(userId, segments);
    return session.run(master, 'segments', keys, [generation.id, ...args]);
  });
  return readingOf(reply as Buffer[], segments, today, firstKeptDay(today, generation.retentionMonths));
}

function argumentsOf(
  userId: string,
  segments: readonly (SeriesSegment | HalfHours)[],
): { keys: string[]; args: number[] } {
  const keys = [userKey(userId)];
  const args: number[] = [];
  for (const segment of segments) {
    if (segment.kind === 'half-hours') {
      args.push(keys.push(halfHoursKey(userId, segment.month)));
      args.push(chunkOfHalfHour(segment.first), chunkOfHalfHour(segment.last));
      args.push(keys.push(monthKey(userId, segment.month)));
      continue;
    }
    const key = segment.kind === 'weeks' ? weekKey(userId, segment.isoYear) : monthKey(userId, segment.month);
    // 0 means the month's own sum. There is no day 0, and week 0 is of 1969, which nobody keeps.
    args.push(keys.push(key), ...(segment.kind === 'month' ? [0, 0] : [segment.first, segment.last]), 0);
  }
  return { keys, args };
}

function readingOf(
  reply: readonly Buffer[],
  segments: readonly (SeriesSegment | HalfHours)[],
  today: number,
  firstKept: number,
): SegmentsReading | undefined {
  if (reply.length === 0) return undefined;
  const counted = countedOf(reply.slice(2 + segments.length).map(String));
  // Until the default window is filled, only rows answer, as for dashboards (lua/buckets.lua).
  if (counted.isFilling && Number(reply[0]) > today - defaultWindowDays + 1) return undefined;
  return {
    available: { fromDay: Math.max(Number(reply[0]), firstKept), lastStartedAt: Number(reply[1]) },
    values: segments.map((segment, i) => {
      const found = reply[2 + i]!;
      return segment.kind === 'half-hours'
        ? halfHoursOf(segment, found)
        : talliesOf(found.toString('latin1'));
    }),
    ...counted,
  };
}

/** One tally for each. @param packed its chunks */
function halfHoursOf({ month, first, last }: HalfHours, packed: Buffer): Tally[] {
  const tallies = new Array<Tally>(last - first + 1).fill(ZERO_TALLY);
  unpackStrings(packed).forEach((chunk, i) => {
    readHalfHours(month, chunkOfHalfHour(first) + i, chunk, (halfHour, calls, durationMs) => {
      if (halfHour >= first && halfHour <= last) tallies[halfHour - first] = { calls, durationMs };
    });
  });
  return tallies;
}

function talliesOf(text: string): Tally[] {
  const numbers = text.split(' ');
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    calls: Number(numbers[2 * i]),
    durationMs: Number(numbers[2 * i + 1]),
  }));
}
