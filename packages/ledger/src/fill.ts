import {
  addPieces,
  dequeueUsers,
  type FillProgress,
  NOTHING_FILLED,
  type Piece,
  type QueuePlace,
  readFillStatuses,
  requeueUsers,
} from '@calltally/counters';
import type { PartitionDayTally } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';
import { FROM_TOPIC, openCold } from './open.ts';
import { type PieceReader, startOfWindow } from './piece-reader.ts';
import { userDaySumsOf } from './user-day-sums.ts';

/** What was done for some users. */
export interface Filled {
  pieces: number;
  /** Rows added up, also of pieces that were refused since another was faster. */
  rows: number;
  /** Users that are not complete yet. */
  left: string[];
  /** All of them had their default window already, so that nobody waits for what is left. */
  hasWindows: boolean;
}

/** After so long no further piece is begun, so that slots and what was taken are given back in time. */
const ROUND_MS = 5_000;
/** The same for users who have a part, so that those with nothing are soon next. */
const PARTS_MS = 500;
const PART = 'part ';
/** Whom `rebuild --from kafka` has opened is left alone for so long; then it is taken to be gone. */
const TOPIC_MS = 60_000;

/**
 * Fills one piece of each of some users in, newest first: everything where it fits into one. Users of the same `base`
 * that have nothing yet are added up together. Opens those that are unknown.
 *
 * A piece may take its time: rows at or below `base` never change, so what is counted meanwhile makes no difference,
 * and a piece that is not the next one any more is refused by the script.
 *
 * @throws CountersError, StoreError
 */
export async function fillPieces(
  ledger: LedgerContext,
  pieces: PieceReader,
  userIds: readonly string[],
): Promise<Filled> {
  const { session, generations } = ledger;
  const done: Filled = { pieces: 0, rows: 0, left: [], hasWindows: true };
  const standings = await readFillStatuses(session, generations, userIds);
  const unknown = userIds.filter((_, i) => standings[i] === 'unknown');
  // Taken already, and given back below.
  const opened = await openCold(ledger, unknown, { queue: false });
  const complete = new Map<string, QueuePlace>();
  /** Users that are to be taken again at once. */
  const left = new Map<string, QueuePlace>();
  const groups = new Map<string, Map<string, FillProgress>>();
  const nowMs = Date.now();
  const windowFrom = startOfWindow(nowMs);
  userIds.forEach((userId, i) => {
    const standing = standings[i]!;
    const filling = standing === 'unknown' ? opened.get(userId) : standing;
    if (filling === 'complete') complete.set(userId, { sinceMs: NOTHING_FILLED, openedAtMs: 0 });
    // Another has opened them just now.
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
    for (const [key, group] of [...groups].toSorted(([a], [b]) => Number(isPart(a)) - Number(isPart(b)))) {
      if (isPart(key)) {
        // One at least in each round, however much time those with nothing took.
        if (partsBeganMs !== undefined && performance.now() - partsBeganMs > PARTS_MS) break;
        partsBeganMs ??= performance.now();
      } else if (done.pieces > 0 && performance.now() - began > ROUND_MS) continue;
      let groupBeganMs: number | undefined;
      for await (const some of piecesOf(pieces, group, nowMs)) {
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
        // From the first that came: what was tried before is not to cost the rest of the group its turn.
        groupBeganMs ??= performance.now();
        if (performance.now() - groupBeganMs > ROUND_MS) break;
      }
    }
  } finally {
    // After a failure, too, or they would wait until they no longer count as taken.
    await Promise.all([dequeueUsers(session, complete), requeueUsers(session, left)]).catch(() => {});
  }
  done.left.push(...left.keys());
  return done;
}

function isPart(group: string): boolean {
  return group.startsWith(PART);
}

/**
 * One piece of each user of a group: those of one `base` that have nothing yet, or a single one. Where they cannot be
 * added up at once they are one by one, so that a large one among them does not keep the others; of each the default
 * window alone, since nobody knows whose rows were too many.
 */
async function* piecesOf(
  pieces: PieceReader,
  group: ReadonlyMap<string, FillProgress>,
  nowMs: number,
): AsyncGenerator<Piece[]> {
  const userIds = [...group.keys()];
  const [first] = group.values();
  const { base, sinceMs } = first!;
  if (sinceMs === NOTHING_FILLED) {
    const tallies = await pieces.whole(userIds, base);
    if (tallies !== undefined) return yield piecesFrom(group, tallies, -Infinity);
  }
  for (const one of group) {
    const { tallies, fromMs } = await pieces.before(one[0], base, sinceMs, nowMs);
    yield piecesFrom(new Map([one]), tallies, fromMs);
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
