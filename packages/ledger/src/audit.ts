import { NOTHING_FILLED, queueFilling, snapshotUsers, type UserSnapshot } from '@calltally/counters';
import type { Cut, DailyTally } from '@calltally/store';
import { cutKey } from '@calltally/store';
import { type Books, requireSameGenerations } from './books.ts';
import { type Difference, differencesOf } from './compare.ts';
import { Pieces } from './pieces.ts';

export interface AuditOptions {
  pieces?: Pieces | undefined;
  /** Told of rows as they are added up, of each user once; what it throws ends the audit. */
  onRows?: ((rows: number) => void) | undefined;
}

export interface Audit {
  /** Users whose counters were compared with their rows. */
  compared: number;
  /** Users that Redis does not know; they are answered from Mongo, so nothing is wrong with them. */
  cold: string[];
  /** Users that are being filled; what is complete of them was compared. */
  filling: string[];
  differences: Difference[];
}

/**
 * Compares users' counters with their rows while events are being counted, and never mistakes the one for the other.
 *
 * A user's counters are read at one moment, together with the offsets through which they count (`applied`). Rows at or
 * below these offsets were there before and never change, whenever they are added up afterwards. So nothing is locked,
 * and a difference is real.
 *
 * Most users stand still, and their rows through `stored` are those through `applied`: they are added up together. Who
 * cannot be judged this way, or looks wrong, is looked at again alone, at a cut of their own. Rows are added up by
 * pieces, and of a user who is being filled only those that are complete; they are queued where they are missing.
 *
 * @throws CountersError COUNTERS_GENERATION when Redis has begun another generation than the books are of
 * @throws StoreError
 */
export async function auditUsers(
  books: Books,
  userIds: readonly string[],
  { pieces = new Pieces(books.store.tallies), onRows }: AuditOptions = {},
): Promise<Audit> {
  await requireSameGenerations(books);
  const stored = await books.store.progress.stored();
  const snapshots = await snapshotsOf(books, userIds);
  const complete = [...snapshots].flatMap(([userId, { sinceMs }]) => (sinceMs === undefined ? userId : []));
  const tallies = byUser(await pieces.all(complete, stored, -Infinity, onRows));
  const audit: Audit = {
    compared: snapshots.size,
    cold: userIds.filter((userId) => !snapshots.has(userId)),
    filling: [...snapshots.keys()].filter((userId) => snapshots.get(userId)!.sinceMs !== undefined),
    differences: [],
  };
  for (const userId of complete) {
    const snapshot = snapshots.get(userId)!;
    const rows = tallies.get(userId) ?? [];
    if (isSameCut(snapshot.applied, stored, rows) && compare(books, userId, snapshot, rows).length === 0)
      continue;
    audit.differences.push(...(await auditAlone(books, pieces, userId)));
  }
  for (const userId of audit.filling) {
    audit.differences.push(...(await auditAlone(books, pieces, userId, onRows)));
  }
  await queueFilling(books.session, audit.filling, Date.now());
  return audit;
}

async function auditAlone(
  books: Books,
  pieces: Pieces,
  userId: string,
  onRows?: (rows: number) => void,
): Promise<Difference[]> {
  const snapshot = (await snapshotsOf(books, [userId])).get(userId);
  if (snapshot === undefined) return [];
  const { sinceMs = -Infinity } = snapshot;
  const rows =
    sinceMs === NOTHING_FILLED ? [] : await pieces.all([userId], snapshot.applied, sinceMs, onRows);
  const differences = compare(books, userId, snapshot, rows);
  // Read last: whatever was applied by then had been stored before.
  const stored = await books.store.progress.stored();
  for (const [partition, offset] of snapshot.applied) {
    const highest = stored.get(partition) ?? -1;
    if (offset <= highest) continue;
    differences.push({
      userId,
      bucket: `applied ${partition}`,
      has: { offset },
      shouldHave: { offset: highest },
    });
  }
  return differences;
}

async function snapshotsOf(
  { session, generations }: Books,
  userIds: readonly string[],
): Promise<Map<string, UserSnapshot>> {
  const snapshots = await snapshotUsers(session, generations, userIds, Date.now());
  const known = new Map<string, UserSnapshot>();
  snapshots.forEach((snapshot, i) => {
    if (snapshot !== undefined) known.set(userIds[i]!, snapshot);
  });
  return known;
}

/** Whether a user's rows at or below `stored` are exactly those at or below what was applied. */
function isSameCut(applied: Cut, stored: Cut, rows: readonly DailyTally[]): boolean {
  return (
    [...applied].every(([partition, offset]) => offset <= (stored.get(partition) ?? -1)) &&
    rows.every((row) => row.lastOffset <= (applied.get(cutKey(row.stream, row.partition)) ?? -1))
  );
}

function compare(
  { session, generations }: Books,
  userId: string,
  snapshot: UserSnapshot,
  rows: readonly DailyTally[],
): Difference[] {
  const { retentionMonths } = generations.get(session.master(userId))!;
  return differencesOf(userId, snapshot, rows, { nowMs: Date.now(), retentionMonths });
}

function byUser(tallies: readonly DailyTally[]): Map<string, DailyTally[]> {
  const users = new Map<string, DailyTally[]>();
  for (const tally of tallies) {
    const rows = users.get(tally.userId);
    if (rows === undefined) users.set(tally.userId, [tally]);
    else rows.push(tally);
  }
  return users;
}
