import {
  type Availability,
  dayOf,
  defaultWindowDays,
  type SeriesSegment,
  type Tally,
} from '@calltally/domain';
import type { Generations } from './generation.ts';
import { appliedOf, BASE_FIELD, firstKeptDay, monthKey, userKey, weekKey } from './keys.ts';
import type { CounterSession } from './session.ts';

export interface SegmentsReading {
  available: Availability;
  /** Of each unit asked for: as many as it has days or weeks, in order; one for a month. */
  values: Tally[][];
  /** For each `stream:partition` the offset through which these numbers count. */
  applied: Map<string, number>;
  /** Older calls of the user are still to be filled in. */
  isFilling?: true;
}

/**
 * Tells days, weeks and months one by one, in one script, at one moment.
 * @returns undefined when the counters do not know the user, or not enough of them
 * @throws CountersError
 */
export async function readSegments(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  units: readonly SeriesSegment[],
): Promise<SegmentsReading | undefined> {
  const master = session.master(userId);
  const generation = generations.get(master);
  if (generation === undefined) return undefined;
  const keys = [userKey(userId)];
  const args: (string | number)[] = [generation.id];
  for (const unit of units) {
    const key = unit.kind === 'weeks' ? weekKey(userId, unit.isoYear) : monthKey(userId, unit.month);
    // Lua counts from 1. A week 0 is of 1969, and nothing is kept for so long.
    args.push(keys.push(key), ...(unit.kind === 'month' ? [0, 0] : [unit.first, unit.last]));
  }
  const reply = (await session.run(master, 'series', keys, args)) as string[];
  if (reply.length === 0) return undefined;
  const isFilling = reply.includes(BASE_FIELD);
  // Before the default window is there, rows alone answer, as they do for dashboards (lua/read.lua).
  if (isFilling && Number(reply[0]) > dayOf(nowMs) - defaultWindowDays + 1) return undefined;
  const behindUnits = 2 + units.length;
  return {
    available: {
      fromDay: Math.max(Number(reply[0]), firstKeptDay(dayOf(nowMs), generation.retentionMonths)),
      lastStartedAt: Number(reply[1]),
    },
    values: reply.slice(2, behindUnits).map(talliesOf),
    applied: appliedOf(reply.slice(behindUnits)),
    ...(isFilling && { isFilling: true }),
  };
}

function talliesOf(text: string): Tally[] {
  const numbers = text.split(' ');
  return Array.from({ length: numbers.length / 2 }, (_, i) => ({
    calls: Number(numbers[2 * i]),
    durationMs: Number(numbers[2 * i + 1]),
  }));
}
