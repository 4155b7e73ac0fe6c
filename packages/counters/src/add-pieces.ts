import {
  addTally,
  dayOfHalfHour,
  dayOfMonth,
  isoWeekYear,
  monthOf,
  type Tally,
  weekOf,
} from '@calltally/domain';
import { addDetailArguments, type Detail } from './detail-arguments.ts';
import { type Generation, type Generations, generationOf } from './generation.ts';
import {
  appliedField,
  monthExpirySeconds,
  monthKey,
  unpackBase,
  userKey,
  weekExpirySeconds,
  weekKey,
} from './keys.ts';
import type { CounterSession, UserCommand } from './session.ts';

/** Sums of a user's calls, or of some of them, from rows or from the topic. */
export interface UserDaySums {
  userId: string;
  /** By UTC day. Days that are no longer kept are not written. */
  days: ReadonlyMap<number, Tally>;
  /** The same by UTC day and cell, and by half-hour; undefined if they were not added up so. Only for counters that keep it. */
  detail: Detail | undefined;
  /** Ids of the partitions that the calls came by. */
  partitions: ReadonlySet<string>;
  /** Epoch ms of the latest start that ever counted; -1 without a call. */
  lastStartedAt: number;
  /** A correction is among them. */
  hasCorrections: boolean;
}

/** @throws Error if the sums have no detail: counters that keep it would hold too little */
export function requireDetail({ detail }: UserDaySums): Detail {
  if (detail !== undefined) return detail;
  throw new Error('sums without detail for counters that keep it; add up by cell and half-hour, too');
}

/** A user who is open and not complete yet. */
export interface FillProgress {
  fillId: string;
  /** Epoch ms: calls that start at or after it are all counted. */
  sinceMs: number;
  /** By partition id, the offset through which calls are filled in. */
  base: ReadonlyMap<string, number>;
  /** First UTC day whose buckets are kept. */
  fromDay: number;
  /** Epoch ms. */
  openedAtMs: number;
}

export type FillStatus = 'unknown' | 'complete' | FillProgress;

/** Sums of a user's calls at or below `base` that start in [`fromMs`, `filling.sinceMs`). */
export interface Piece {
  filling: FillProgress;
  sums: UserDaySums;
  /** Epoch ms; -Infinity if nothing is older. */
  fromMs: number;
}

/** How far users are filled, in the order given. @throws CountersError */
export async function readFillStatuses(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
): Promise<FillStatus[]> {
  const commands = userIds.map((userId) => ({
    userId,
    keys: [userKey(userId)],
    args: [generationOf(session, generations, userId).id],
  }));
  const replies = (await session.runForUsers('fill-status', commands)) as string[][];
  return replies.map(([fillId, ...more]) => {
    if (fillId === undefined) return 'unknown';
    if (more.length === 0) return 'complete';
    const [since, base, fromDay, openedAt] = more as [string, string, string, string];
    return {
      fillId,
      sinceMs: Number(since),
      base: unpackBase(base),
      fromDay: Number(fromDay),
      openedAtMs: Number(openedAt),
    };
  });
}

/** Bounds how long one pipeline keeps Redis busy. */
const ARGUMENTS_AT_ONCE = 10_000;

/**
 * Adds pieces to their users' counters, each at most once.
 * @returns in the order given; false if the user was forgotten or reopened, or somebody else has filled this piece
 * @throws CountersError; Error if sums have no detail, but the generation keeps it
 */
export async function addPieces(
  session: CounterSession,
  generations: Generations,
  pieces: readonly Piece[],
): Promise<boolean[]> {
  const filled: boolean[] = [];
  let commands: UserCommand[] = [];
  let size = 0;
  for (const piece of pieces) {
    const command = fillCommand(session, generations, piece);
    commands.push(command);
    size += command.args.length;
    if (size < ARGUMENTS_AT_ONCE && commands.length + filled.length < pieces.length) continue;
    filled.push(...(await session.runForUsers('fill', commands)).map((reply) => reply === 1));
    commands = [];
    size = 0;
  }
  return filled;
}

function fillCommand(
  session: CounterSession,
  generations: Generations,
  { filling, sums, fromMs }: Piece,
): UserCommand {
  const generation = generationOf(session, generations, sums.userId);
  const keys = [userKey(sums.userId)];
  const applied = [...sums.partitions].flatMap((partition) => [
    appliedField(partition),
    filling.base.get(partition)!,
  ]);
  const args = [
    generation.id,
    filling.fillId,
    filling.sinceMs,
    fromMs === -Infinity ? '' : fromMs,
    sums.lastStartedAt,
    sums.hasCorrections ? 1 : 0,
    applied.length / 2,
    ...applied,
    ...bucketArguments(sums, keys, filling.fromDay, generation),
  ];
  const detail = generation.cellsMax === 0 ? undefined : keptDetail(requireDetail(sums), filling.fromDay);
  addDetailArguments(args, keys, sums.userId, detail, generation);
  return { userId: sums.userId, keys, args };
}

function keptDetail({ cells, halfHours }: Detail, fromDay: number): Detail {
  return {
    cells: [...cells].filter(({ day }) => day >= fromDay),
    halfHours: [...halfHours].filter(([halfHour]) => dayOfHalfHour(halfHour) >= fromDay),
  };
}

/** How many buckets. For each: index of its key, expiry, number of fields, then each field with its value. */
function bucketArguments(
  { userId, days }: UserDaySums,
  keys: string[],
  fromDay: number,
  { retentionMonths }: Generation,
): (string | number)[] {
  const months = new Map<number, BucketSums>();
  const years = new Map<number, BucketSums>();
  for (const [day, tally] of days) {
    if (day < fromDay) continue;
    const ofMonth = sumsIn(months, monthOf(day));
    addTo(ofMonth, dayOfMonth(day), tally);
    // The month's own sum stands beside its days.
    addTo(ofMonth, '', tally);
    const week = weekOf(day);
    addTo(sumsIn(years, isoWeekYear(week)), week, tally);
  }
  const args: (string | number)[] = [months.size + years.size];
  const push = (key: string, expiry: number, sums: BucketSums) => {
    args.push(keys.push(key), expiry, 2 * sums.size);
    for (const [unit, { calls, durationMs }] of sums) args.push(`${unit}c`, calls, `${unit}d`, durationMs);
  };
  for (const [month, sums] of months) {
    push(monthKey(userId, month), monthExpirySeconds(month, retentionMonths), sums);
  }
  for (const [year, sums] of years) {
    push(weekKey(userId, year), weekExpirySeconds(year, retentionMonths), sums);
  }
  return args;
}

/** By day of month or by week; '' for the whole month. */
type BucketSums = Map<number | '', Tally>;

function sumsIn(buckets: Map<number, BucketSums>, bucket: number): BucketSums {
  let sums = buckets.get(bucket);
  if (sums === undefined) {
    sums = new Map();
    buckets.set(bucket, sums);
  }
  return sums;
}

function addTo(sums: BucketSums, unit: number | '', tally: Tally): void {
  const sum = sums.get(unit);
  if (sum === undefined) sums.set(unit, { calls: tally.calls, durationMs: tally.durationMs });
  else addTally(sum, tally);
}
