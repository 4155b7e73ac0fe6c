import {
  addPieces,
  dequeueUsers,
  type FillProgress,
  NOTHING_FILLED,
  type Piece,
  type QueuePosition,
  readFillStatuses,
  requeueUsers,
} from '@calltally/counters';
import type { PartitionDayTally } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { FROM_TOPIC, openCold, reopen } from './open-cold.ts';
import { type PieceReader, startOfWindow } from './piece-reader.ts';
import { userDaySumsOf } from './user-day-sums.ts';

/** Sums that all processes together ask of Mongo at once to fill users, unless `FILL_SLOTS` says otherwise. */
export const FILL_SLOTS = 1;

/** What was done for some users. */
export interface Filled {
  pieces: number;
  /** Rows added up, also for pieces that were refused because somebody else was faster. */
  rows: number;
  /** Users that are not complete yet. */
  left: string[];
  /** All of them had their default window before, so nobody waits for the rest. */
  hasWindows: boolean;
}

/** No further piece begins after this, so that slot and users are released in time. */
const ROUND_MS = 5_000;
/** The same for users who have a part, so that those with nothing have their turn soon. */
const PARTS_MS = 500;
const PART = 'part ';
/** For so long, users whom `rebuild --from kafka` opened are left to it. Then it counts as gone. */
const TOPIC_MS = 60_000;

/**
 * Fills one piece of each user, the newest one, or everything if it fits into one piece. Users with the same `base` and
 * nothing filled yet are added up together. Opens users that are unknown.
 *
 * A piece may take its time: rows at or below `base` never change, whatever is counted meanwhile, and the script refuses
 * a piece that is no longer the next one.
 *
 * @param onAllRead called, at most once, when all that is left is to write what was read. Not if the round ends before
 * @throws CountersError, StoreError
 */
export async function fillPieces(
  ledger: LedgerContext,
  pieces: PieceReader,
  userIds: readonly string[],
  onAllRead: () => Promise<void> = async () => {},
): Promise<Filled> {
  const { session, generations } = ledger;
  const done: Filled = { pieces: 0, rows: 0, left: [], hasWindows: true };
  const statuses = await readFillStatuses(session, generations, userIds);
  const unknown = userIds.filter((_, i) => statuses[i] === 'unknown');
  // They are reserved already, and are requeued below.
  const opened = await openCold(ledger, unknown, { queue: false });
  const complete = new Map<string, QueuePosition>();
  /** Users that may be reserved again at once. */
  const left = new Map<string, QueuePosition>();
  const groups = new Map<string, Map<string, FillProgress>>();
  const nowMs = Date.now();
  const windowFrom = startOfWindow(nowMs);
  userIds.forEach((userId, i) => {
    const status = statuses[i]!;
    const filling = status === 'unknown' ? opened.get(userId) : status;
    if (filling === 'complete') complete.set(userId, { sinceMs: NOTHING_FILLED, openedAtMs: 0 });
    // Somebody else has just opened them.
    else if (filling === undefined) left.set(userId, { sinceMs: NOTHING_FILLED, openedAtMs: nowMs });
    else if (filling.fillId.startsWith(FROM_TOPIC) && nowMs - filling.openedAtMs < TOPIC_MS)
      done.left.push(userId);
    else {
      left.set(userId, filling);
      done.hasWindows &&= filling.sinceMs <= windowFrom;
      const key = filling.sinceMs === NOTHING_FILLED ? String([...filling.base]) : PART + userId;
      groups.set(key, (groups.get(key) ?? new Map<string, FillProgress>()).set(userId, filling));
    }
  });

  const began = performance.now();
  let partsBeganMs: number | undefined;
  try {
    const inTurn = [...groups].toSorted(([a], [b]) => Number(isPart(a)) - Number(isPart(b)));
    for (const [key, group] of inTurn) {
      if (isPart(key)) {
        // At least one in each round, however long those with nothing took.
        if (partsBeganMs !== undefined && performance.now() - partsBeganMs > PARTS_MS) break;
        partsBeganMs ??= performance.now();
      } else if (done.pieces > 0 && performance.now() - began > ROUND_MS) continue;
      if (!isPart(key)) await reopenUnmet(ledger, group);
      if (group.size === 0) continue;
      let groupBeganMs: number | undefined;
      for await (const { some, isLast } of piecesOf(pieces, group, nowMs)) {
        if (isLast && group === inTurn.at(-1)![1]) await onAllRead();
        const filled = await addPieces(session, generations, some);
        for (const [i, { sums, filling, fromMs }] of some.entries()) {
          for (const { calls } of sums.days.values()) done.rows += calls;
          if (!filled[i]) continue;
          const { userId } = sums;
          if (fromMs === -Infinity) {
            left.delete(userId);
            complete.set(userId, filling);
          } else left.set(userId, { ...filling, sinceMs: fromMs });
        }
        done.pieces += some.length;
        // From the first piece on, so that failed attempts before it do not cost the rest of the group its turn.
        groupBeganMs ??= performance.now();
        if (performance.now() - groupBeganMs > ROUND_MS) break;
      }
    }
  } finally {
    // Also after a failure, or they would wait until their reservation ends.
    await Promise.all([dequeueUsers(session, complete), requeueUsers(session, left)]).catch(() => {});
  }
  done.left.push(...left.keys());
  return done;
}

/**
 * Opens users again whose `base` covers a correction, but not an event of another partition that it builds on. What it
 * changes can be filled in only where both lie at or below `base`; nobody would add it later. Takes them out of the group.
 */
async function reopenUnmet(ledger: LedgerContext, group: Map<string, FillProgress>): Promise<void> {
  const [{ base }] = group.values() as Iterable<FillProgress> as [FillProgress];
  const unmet = await ledger.store.corrections.usersWithUnmetNeeds([...group.keys()], base);
  for (const userId of unmet) group.delete(userId);
  await reopen(ledger, [...unmet]);
}

function isPart(group: string): boolean {
  return group.startsWith(PART);
}

/**
 * One piece of each user of a group: users of one `base` that have nothing yet, or a single user. If Mongo cannot sum
 * them at once, they come one by one, so that a large user does not block the others, and with the default window only,
 * because nobody knows whose rows were too many.
 */
async function* piecesOf(
  pieces: PieceReader,
  group: ReadonlyMap<string, FillProgress>,
  nowMs: number,
): AsyncGenerator<{ some: Piece[]; isLast: boolean }> {
  const userIds = [...group.keys()];
  const [first] = group.values();
  const { base, sinceMs } = first!;
  if (sinceMs === NOTHING_FILLED) {
    const tallies = await pieces.whole(userIds, base);
    if (tallies !== undefined) return yield { some: piecesFrom(group, tallies, -Infinity), isLast: true };
  }
  for (const one of group) {
    const { tallies, fromMs } = await pieces.before(one[0], base, sinceMs, nowMs);
    yield { some: piecesFrom(new Map([one]), tallies, fromMs), isLast: one[0] === userIds.at(-1) };
  }
}

function piecesFrom(
  group: ReadonlyMap<string, FillProgress>,
  tallies: readonly PartitionDayTally[],
  fromMs: number,
): Piece[] {
  return userDaySumsOf([...group.keys()], tallies).map((sums) => ({
    filling: group.get(sums.userId)!,
    sums,
    fromMs,
  }));
}
