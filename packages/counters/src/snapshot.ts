import { type CellTally, dayOf, type Tally } from '@calltally/domain';
import { readDays, readMonth } from './cells-codec.ts';
import { findGeneration, type Generations } from './generation.ts';
import { readHalfHours } from './half-hours-codec.ts';
import { allBucketKeys, appliedThroughOf, pairsOf, userKey, WINDOW_SUMS_FIELD } from './keys.ts';
import type { CounterSession } from './session.ts';
import { parseWindowSums, type WindowSums } from './window-sums.ts';

/** All that Redis holds of a user, read at one moment. */
export interface UserSnapshot {
  fromDay: number;
  /** Epoch ms: all calls that start at or after it are counted, and of older ones those beyond `base`. Undefined once complete. */
  sinceMs: number | undefined;
  /** By partition id, the offset through which the buckets count. */
  appliedThrough: Map<string, number>;
  /** Latest start of a counted call, epoch ms; -1 without a call. */
  lastStartedAt: number;
  windowSums: WindowSums | undefined;
  /** By bucket: `m:<month>` a month, `m:<month>:<day of month>` a day, `w:<ISO year>:<week>` a week. */
  buckets: Map<string, Tally>;
  /** Sums by cell, by month. Empty where the generation keeps none. */
  cells: Map<number, CellsSnapshot>;
  /** Sums by half-hour. Empty where the generation keeps none. */
  halfHours: Map<number, Tally>;
}

export interface CellsSnapshot {
  /** The month has had more cells than are kept. */
  isBeyond: boolean;
  sums: CellTally[];
  /** By day of the month. */
  days: Map<number, CellTally[]>;
}

type SnapshotReply = [] | [Buffer[], ...(number | Buffer[])[]];

/**
 * For comparing counters with rows. Contains only buckets that readers may use.
 * @returns undefined if the counters do not know the user
 * @throws CountersError
 */
export async function snapshotUser(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): Promise<UserSnapshot | undefined> {
  return (await snapshotUsers(session, generations, [userId], nowMs))[0];
}

/** As `snapshotUser`, for many users. Each snapshot is of a moment of its own. */
export async function snapshotUsers(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
  nowMs: number,
): Promise<(UserSnapshot | undefined)[]> {
  const commands = userIds.map((userId) => {
    const generation = findGeneration(session, generations, userId);
    const buckets =
      generation === undefined ? [] : allBucketKeys(userId, dayOf(nowMs), generation.retentionMonths);
    return { userId, keys: [userKey(userId), ...buckets], args: [generation?.id ?? ''] };
  });
  const replies = (await session.runForUsers('snapshot', commands)) as SnapshotReply[];
  return replies.map((reply, i) => snapshotOf(reply, commands[i]!.keys));
}

function snapshotOf([head, ...found]: SnapshotReply, keys: readonly string[]): UserSnapshot | undefined {
  if (head === undefined) return undefined;
  const user = new Map(pairsOf(head.map(String)));
  const since = user.get('s');
  const windowSums = user.get(WINDOW_SUMS_FIELD);
  const hashes = new Map<string, Buffer[]>();
  for (let at = 0; at < found.length; at += 2) {
    const name = keys[(found[at] as number) - 1]!.slice(keys[0]!.length + 1);
    hashes.set(name, found[at + 1] as Buffer[]);
  }
  const snapshot: UserSnapshot = {
    fromDay: Number(user.get('f')),
    sinceMs: since === undefined ? undefined : Number(since),
    appliedThrough: appliedThroughOf(user),
    lastStartedAt: Number(user.get('x')),
    windowSums: windowSums === undefined ? undefined : parseWindowSums(windowSums),
    buckets: new Map(),
    cells: new Map(),
    halfHours: new Map(),
  };
  for (const [name, hash] of hashes) {
    const [kind, period] = name.split(':') as [string, string];
    if (kind === 'c') snapshot.cells.set(Number(period), cellsOf(hash, hashes.get(`d:${period}`) ?? []));
    else if (kind === 'h') addHalfHours(snapshot.halfHours, Number(period), hash);
    else if (kind !== 'd') addBuckets(snapshot.buckets, name, new Map(pairsOf(hash.map(String))));
  }
  return snapshot;
}

function addBuckets(buckets: Map<string, Tally>, name: string, fields: ReadonlyMap<string, string>): void {
  for (const [field, value] of fields) {
    if (!field.endsWith('c')) continue;
    const unit = field.slice(0, -1);
    buckets.set(unit === '' ? name : `${name}:${unit}`, {
      calls: Number(value),
      durationMs: Number(fields.get(`${unit}d`) ?? 0),
    });
  }
}

function addHalfHours(halfHours: Map<number, Tally>, month: number, hash: readonly Buffer[]): void {
  for (let i = 0; i < hash.length; i += 2) {
    readHalfHours(month, Number(hash[i]!.toString()), hash[i + 1]!, (halfHour, calls, durationMs) => {
      halfHours.set(halfHour, { calls, durationMs });
    });
  }
}

function cellsOf(month: readonly Buffer[], days: readonly Buffer[]): CellsSnapshot {
  const { cells, sums } = readMonth(month);
  if (cells === 'beyond') return { isBeyond: true, sums, days: new Map() };
  return { isBeyond: false, sums, days: readDays(cells, days) };
}
