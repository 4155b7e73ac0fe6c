import { NOTHING_FILLED, queueFilling, snapshotUsers, type UserSnapshot } from '@calltally/counters';
import type { OffsetVector, PartitionDayTally } from '@calltally/store';
import { partitionId } from '@calltally/store';
import { type Difference, differencesOf } from './compare.ts';
import { type LedgerContext, requireSameGenerations } from './ledger-context.ts';
import { PieceReader } from './piece-reader.ts';

export interface AuditOptions {
  pieces?: PieceReader | undefined;
  /** Told of rows as they are added up, of each user once; what it throws ends the audit. */
  onRows?: ((rows: number) => void) | undefined;
}

export interface AuditResult {
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
 * @throws CountersError COUNTERS_GENERATION when Redis has begun another generation than the ledger is of
 * @throws StoreError
 */
export async function auditUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  { pieces = new PieceReader(ledger.store.tallies), onRows }: AuditOptions = {},
): Promise<AuditResult> {
  await requireSameGenerations(ledger);
  const stored = await ledger.store.progress.storedThrough();
  const snapshots = await snapshotsOf(ledger, userIds);
  const complete = [...snapshots].flatMap(([userId, { sinceMs }]) => (sinceMs === undefined ? userId : []));
  const tallies = byUser(await pieces.all(complete, stored, -Infinity, onRows));
  const audit: AuditResult = {
    compared: snapshots.size,
    cold: userIds.filter((userId) => !snapshots.has(userId)),
    filling: [...snapshots.keys()].filter((userId) => snapshots.get(userId)!.sinceMs !== undefined),
    differences: [],
  };
  for (const userId of complete) {
    const snapshot = snapshots.get(userId)!;
    const rows = tallies.get(userId) ?? [];
    if (isSameCut(snapshot.applied, stored, rows) && compare(ledger, userId, snapshot, rows).length === 0)
      continue;
    audit.differences.push(...(await auditAlone(ledger, pieces, userId)));
  }
  for (const userId of audit.filling) {
    audit.differences.push(...(await auditAlone(ledger, pieces, userId, onRows)));
  }
  await queueFilling(ledger.session, audit.filling, Date.now());
  return audit;
}

async function auditAlone(
  ledger: LedgerContext,
  pieces: PieceReader,
  userId: string,
  onRows?: (rows: number) => void,
): Promise<Difference[]> {
  const snapshot = (await snapshotsOf(ledger, [userId])).get(userId);
  if (snapshot === undefined) return [];
  const { sinceMs = -Infinity } = snapshot;
  const rows =
    sinceMs === NOTHING_FILLED ? [] : await pieces.all([userId], snapshot.applied, sinceMs, onRows);
  const differences = compare(ledger, userId, snapshot, rows);
  // Read last: whatever was applied by then had been stored before.
  const stored = await ledger.store.progress.storedThrough();
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
  { session, generations }: LedgerContext,
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
function isSameCut(applied: OffsetVector, stored: OffsetVector, rows: readonly PartitionDayTally[]): boolean {
  return (
    [...applied].every(([partition, offset]) => offset <= (stored.get(partition) ?? -1)) &&
    rows.every((row) => row.lastOffset <= (applied.get(partitionId(row.stream, row.partition)) ?? -1))
  );
}

function compare(
  { session, generations }: LedgerContext,
  userId: string,
  snapshot: UserSnapshot,
  rows: readonly PartitionDayTally[],
): Difference[] {
  const { retentionMonths } = generations.get(session.master(userId))!;
  return differencesOf(userId, snapshot, rows, { nowMs: Date.now(), retentionMonths });
}

function byUser(tallies: readonly PartitionDayTally[]): Map<string, PartitionDayTally[]> {
  const users = new Map<string, PartitionDayTally[]>();
  for (const tally of tallies) {
    const rows = users.get(tally.userId);
    if (rows === undefined) users.set(tally.userId, [tally]);
    else rows.push(tally);
  }
  return users;
}
