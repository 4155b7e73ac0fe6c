import {
  type Cell,
  type CellDayTally,
  cellKey,
  dayOf,
  dayOfMonth,
  halfHourOf,
  isoWeekYear,
  monthOf,
  type Tally,
  weekOf,
} from '@calltally/domain';
import { addDetailArguments } from './detail-arguments.ts';
import { CountersError } from './errors.ts';
import { type Generations, generationOf } from './generation.ts';
import { appliedField, monthExpirySeconds, monthKey, userKey, weekExpirySeconds, weekKey } from './keys.ts';
import type { CounterSession, UserCommand } from './session.ts';

/** A canonical event whose row is in Mongo; of a correction what it adds, or what it takes away. */
export interface CountableEvent {
  offset: number;
  /** Epoch ms. */
  startedAt: number;
  durationMs: number;
  /** Default: no label was given. */
  cell?: Cell;
  correction?: {
    sign: 1 | -1;
    /** By partition id, the offsets that the user must be applied through before. */
    needs: readonly { partition: string; through: number }[];
  };
}

export interface UserEvents {
  userId: string;
  /** In order of their offsets; at least one. Those of one correction are neighbours. */
  events: CountableEvent[];
}

/**
 * How many events were added, without those already counted; `unknown` for a cold user; `unmet` if a correction needs what
 * the user is not applied through.
 */
export type ApplyOutcome = number | 'unknown' | 'unmet';

/** A further round is needed only if somebody else has applied events of the same partition meanwhile. */
const ROUNDS_MAX = 20;

/**
 * Adds users' canonical events of one partition to their counters. However often it is repeated, each event counts once.
 *
 * The script is given sums, not single events. If a user is applied through an offset amid the events, the script adds
 * nothing and replies how far it counts. The sums of the events beyond that are then given to it again.
 *
 * @param partition a partition id
 * @throws CountersError
 */
export async function applyEvents(
  session: CounterSession,
  generations: Generations,
  partition: string,
  users: readonly UserEvents[],
): Promise<ApplyOutcome[]> {
  const outcomes = new Array<ApplyOutcome>(users.length);
  let pending = users.map((user, index) => ({ user, index }));
  for (let round = 1; pending.length > 0; round++) {
    if (round > ROUNDS_MAX) throw new CountersError('COUNTERS_CONTENDED', 'others apply the same events');
    const replies = await session.runForUsers(
      'apply',
      pending.map(({ user }) => applyCommand(session, generations, partition, user)),
    );
    const rest: typeof pending = [];
    pending.forEach(({ user, index }, i) => {
      const reply = replies[i] as number;
      if (reply >= 0) outcomes[index] = reply;
      else if (reply === UNKNOWN) outcomes[index] = 'unknown';
      else if (reply === UNMET) outcomes[index] = 'unmet';
      else {
        const appliedThrough = PARTLY_APPLIED - reply;
        const events = user.events.filter(({ offset }) => offset > appliedThrough);
        rest.push({ user: { ...user, events }, index });
      }
    });
    pending = rest;
  }
  return outcomes;
}

/** Replies of lua/apply.lua. The last one comes less the offset applied through. */
const UNKNOWN = -1;
const UNMET = -2;
const PARTLY_APPLIED = -3;

const NO_NEEDS: readonly never[] = [];

function applyCommand(
  session: CounterSession,
  generations: Generations,
  partition: string,
  { userId, events }: UserEvents,
): UserCommand {
  const generation = generationOf(session, generations, userId);
  const { id, retentionMonths, cellsMax } = generation;
  let lastStartedAt = -1;
  const days = new Map<number, Tally>();
  const cells = new Map<string, CellDayTally>();
  const halfHours = new Map<number, Tally>();
  const needs = new Map<string, number>();
  for (const { startedAt, durationMs, cell = {}, correction } of events) {
    const sign = correction?.sign ?? 1;
    if (sign === 1 && startedAt > lastStartedAt) lastStartedAt = startedAt;
    const day = dayOf(startedAt);
    addTo(days, day, sign, durationMs);
    if (cellsMax > 0) {
      addTo(halfHours, halfHourOf(startedAt), sign, durationMs);
      addToCell(cells, day, cell, sign, durationMs);
    }
    for (const { partition: id, through } of correction?.needs ?? NO_NEEDS) {
      needs.set(id, Math.max(through, needs.get(id) ?? -1));
    }
  }
  const keys = [userKey(userId)];
  const keyIndex = (key: string) => {
    const at = keys.indexOf(key);
    return at === -1 ? keys.push(key) : at + 1;
  };
  const args = [id, appliedField(partition), events[0]!.offset, events.at(-1)!.offset, lastStartedAt];
  args.push(events.length, events.some(({ correction }) => correction) ? 1 : 0, needs.size);
  for (const [partitionOfNeed, through] of needs) args.push(appliedField(partitionOfNeed), through);
  args.push(days.size);
  for (const [day, { calls, durationMs }] of days) {
    const month = monthOf(day);
    const week = weekOf(day);
    const year = isoWeekYear(week);
    args.push(day, dayOfMonth(day), week, month);
    args.push(keyIndex(monthKey(userId, month)), monthExpirySeconds(month, retentionMonths));
    args.push(keyIndex(weekKey(userId, year)), weekExpirySeconds(year, retentionMonths));
    args.push(calls, durationMs);
  }
  const detail = cellsMax > 0 ? { cells: cells.values(), halfHours } : undefined;
  addDetailArguments(args, keys, userId, detail, generation);
  return { userId, keys, args };
}

function addTo(sums: Map<number, Tally>, number: number, sign: 1 | -1, durationMs: number): void {
  const sum = sums.get(number);
  if (sum === undefined) sums.set(number, { calls: sign, durationMs: sign * durationMs });
  else {
    sum.calls += sign;
    sum.durationMs += sign * durationMs;
  }
}

function addToCell(
  cells: Map<string, CellDayTally>,
  day: number,
  cell: Cell,
  sign: 1 | -1,
  durationMs: number,
): void {
  const key = `${day} ${cellKey(cell)}`;
  const sum = cells.get(key);
  if (sum === undefined) cells.set(key, { day, cell, calls: sign, durationMs: sign * durationMs });
  else {
    sum.calls += sign;
    sum.durationMs += sign * durationMs;
  }
}
