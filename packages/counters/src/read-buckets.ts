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
import { PerPlan } from './per-plan.ts';
import { questionOf } from './question.ts';
import { recall } from './recall.ts';
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
 * Adds up buckets in one script, at one moment, and stores the window sums for `readWindowSums`. On a new day that is a change
 * of the user, so the first reading of a day is not remembered.
 *
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
  const question = questionOf(generation, userId, 'buckets', today, segments);
  return recall(master, question, async () => {
    const { months, isoYear, args } = commands.of(segments, today, () => commandOf(today, segments));
    const keys = [userKey(userId), weekKey(userId, isoYear)];
    for (const month of months) keys.push(monthKey(userId, month));
    const reply = await session.run(master, 'buckets', keys, [generation.id, ...args]);
    return readingOf(reply as string[], firstKeptDay(today, generation.retentionMonths));
  });
}

/** lua/buckets.lua for any user. */
interface Command {
  isoYear: number;
  /** In the order of their keys. */
  months: number[];
  args: (string | number)[];
}

const commands = new PerPlan<Command>();

function commandOf(today: number, segments: readonly Segment[]): Command {
  const thisWeek = weekOf(today);
  const thisMonth = monthOf(today);
  const months: number[] = [];
  /** Behind the keys of the user and of the week; the first key is 1. */
  const keyIndex = (month: number) => {
    const at = months.indexOf(month);
    return 2 + (at === -1 ? months.push(month) : at + 1);
  };
  const packed = (some: readonly Segment[]) =>
    some
      .map((one) => [keyIndex(one.month), ...(one.kind === 'month' ? [0, 0] : [one.first, one.last])])
      .join(' ');
  const window = packed(daysByMonth(today - defaultWindowDays + 1, today));
  return {
    isoYear: isoWeekYear(thisWeek),
    args: [today, thisWeek, thisMonth, dayOfMonth(today), keyIndex(thisMonth), window, packed(segments)],
    months,
  };
}

function readingOf(reply: readonly string[], firstKept: number): CountersReading | undefined {
  if (reply.length === 0) return undefined;
  const number = (at: number) => Number(reply[at]);
  return {
    available: { fromDay: Math.max(number(0), firstKept), lastStartedAt: number(1) },
    today: number(2),
    thisWeek: number(3),
    thisMonth: number(4),
    window: { calls: number(5), durationMs: number(6) },
    range: { calls: number(7), durationMs: number(8) },
    ...countedOf(reply.slice(9)),
  };
}
