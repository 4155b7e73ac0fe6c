import {
  type Availability,
  type CellDayTally,
  dayOf,
  defaultWindowDays,
  firstDayOfMonth,
  type Segment,
} from '@calltally/domain';
import { fieldOfDay, type MonthCells, readMonth, visitDays } from './cells-codec.ts';
import { findGeneration, type Generations } from './generation.ts';
import {
  type Counted,
  cellDaysKey,
  cellsKey,
  countedOf,
  firstDayWithDetail,
  firstKeptDay,
  userKey,
} from './keys.ts';
import { unpackStrings } from './message-pack.ts';
import { questionOf } from './question.ts';
import { recall } from './recall.ts';
import type { CounterSession } from './session.ts';

export interface CellsReading extends Counted {
  available: Availability;
  /** A month that was asked for has had more cells than are kept, so none of its sums is there. */
  isBeyond: boolean;
  /**
   * The tallies of a segment that was asked for: by day and cell; of a month by cell, with its first day. A cell of a month
   * is one object.
   */
  of(segment: Segment): CellDayTally[];
}

interface Month {
  cells: MonthCells;
  whole: CellDayTally[];
  /** Flat list of the hash of days. */
  days: readonly Buffer[];
}

/**
 * Reads sums by cell in one script, at one moment.
 * @returns undefined if the counters do not know the user, or not enough of them, or keep no cells
 * @throws CountersError
 */
export async function readCells(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
  segments: readonly Segment[],
): Promise<CellsReading | undefined> {
  const master = session.master(userId);
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined || generation.cellsMax === 0) return undefined;
  const months = new Map<number, { first: number; last: number } | undefined>();
  for (const segment of segments) {
    const before = months.get(segment.month);
    if (segment.kind === 'month') months.set(segment.month, before);
    else {
      const first = Math.min(segment.first, before?.first ?? segment.first);
      months.set(segment.month, { first, last: Math.max(segment.last, before?.last ?? segment.last) });
    }
  }
  const today = dayOf(nowMs);
  const question = questionOf(generation, userId, 'cells', today, segments);
  const keys = [userKey(userId)];
  const args: (string | number)[] = [generation.id];
  for (const [month, days] of months) {
    keys.push(cellsKey(userId, month));
    args.push('', '');
    if (days === undefined) continue;
    keys.push(cellDaysKey(userId, month));
    args.push(fieldOfDay(days.first), fieldOfDay(days.last + 1) - 1);
  }
  const reply = (await recall(master, question, () => session.run(master, 'cells', keys, args))) as unknown[];
  if (reply.length === 0) return undefined;
  const [head, applied, ...hashes] = reply as [Buffer[], Buffer[], ...(Buffer | null)[]];
  const [from, lastStartedAt] = head.map(Number) as [number, number];
  const counted = countedOf(applied.map(String));
  // Until the default window is filled, only rows answer, as for dashboards (lua/buckets.lua).
  if (counted.isFilling && from > today - defaultWindowDays + 1) return undefined;
  const found = new Map<number, Month>();
  for (const [month, asked] of months) {
    const { cells, sums } = readMonth(fieldsOf(hashes.shift()));
    const day = firstDayOfMonth(month);
    const ofDays = asked && hashes.shift();
    // By the clock of whoever counted, these days were too old to be kept.
    if (asked && !ofDays && cells !== 'beyond' && cells.length > 0) return undefined;
    found.set(month, { cells, days: fieldsOf(ofDays), whole: sums.map((tally) => ({ ...tally, day })) });
  }
  return {
    available: {
      fromDay: Math.max(from, firstKeptDay(today, generation.retentionMonths)),
      daysFrom: firstDayWithDetail(today),
      lastStartedAt,
    },
    isBeyond: [...found.values()].some(({ cells }) => cells === 'beyond'),
    of: (segment) => talliesOf(found.get(segment.month)!, segment),
    ...counted,
  };
}

function fieldsOf(packed: Buffer | null | undefined): readonly Buffer[] {
  return packed ? unpackStrings(packed) : [];
}

function talliesOf({ cells, whole, days }: Month, segment: Segment): CellDayTally[] {
  if (segment.kind === 'month') return whole;
  if (cells === 'beyond') return [];
  const before = firstDayOfMonth(segment.month) - 1;
  const tallies: CellDayTally[] = [];
  visitDays(cells, days, segment, (day, cell, calls, durationMs) => {
    tallies.push({ cell, calls, durationMs, day: before + day });
  });
  return tallies;
}
