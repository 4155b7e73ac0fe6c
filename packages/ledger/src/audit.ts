import { NOTHING_FILLED, queueFilling, snapshotUsers, type UserSnapshot } from '@calltally/counters';
import { type OffsetVector, type PartitionDayTally, partitionId } from '@calltally/store';
import { type Difference, differencesOf } from './differences.ts';
import { type LedgerContext, requireSameGenerations } from './ledger-context.ts';
import { type PieceReader, pieceReaderOf } from './piece-reader.ts';

export interface AuditOptions {
  pieces?: PieceReader | undefined;
  /** Told how many rows were added up, of each user once. If it throws, the audit ends. */
  onRows?: ((rows: number) => void) | undefined;
}

export interface AuditResult {
  /** Users whose counters were compared with their rows. */
  compared: number;
  /** Users that Redis does not know. Mongo answers for them, so nothing is wrong. */
  cold: string[];
  /** Users that are being filled. What is complete of them was compared. */
  filling: string[];
  differences: Difference[];
}

/**
 * Compares users' counters with their rows while events are being counted, without false alarms.
 *
 * A user's counters are read at one moment, together with the offsets that they are applied through. Rows at or below
 * these offsets existed before and never change, whenever they are added up. So nothing is locked, and a difference is
 * real.
 *
 * For most users, the rows they are applied through are all their rows that are stored, so many users are added up
 * together. Who cannot be judged this way, or looks wrong, is read once more alone, at their own offsets. Rows are added
 * up in pieces. Of users who are being filled only the complete part is compared, and they are queued if they are not.
 *
 * @throws CountersError COUNTERS_GENERATION if Redis has another generation than the ledger
 * @throws StoreError
 */
export async function auditUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  { pieces = pieceReaderOf(ledger), onRows }: AuditOptions = {},
): Promise<AuditResult> {
  await requireSameGenerations(ledger);
  const storedThrough = await ledger.store.progress.storedThrough();
  const snapshots = await snapshotsOf(ledger, userIds);
  const complete = [...snapshots].flatMap(([userId, { sinceMs }]) => (sinceMs === undefined ? userId : []));
  const tallies = byUser(await pieces.all(complete, storedThrough, -Infinity, onRows));
  const audit: AuditResult = {
    compared: snapshots.size,
    cold: userIds.filter((userId) => !snapshots.has(userId)),
    filling: [...snapshots].flatMap(([userId, { sinceMs }]) => (sinceMs === undefined ? [] : userId)),
    differences: [],
  };
  for (const userId of complete) {
    const snapshot = snapshots.get(userId)!;
    const rows = tallies.get(userId) ?? [];
    const isRight =
      isSameCut(snapshot.appliedThrough, storedThrough, rows) &&
      compare(ledger, userId, snapshot, rows).length === 0;
    if (!isRight) audit.differences.push(...(await auditAlone(ledger, pieces, userId)));
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
  const { sinceMs = -Infinity, appliedThrough } = snapshot;
  const rows = sinceMs === NOTHING_FILLED ? [] : await pieces.all([userId], appliedThrough, sinceMs, onRows);
  const differences = compare(ledger, userId, snapshot, rows);
  // Read last: whatever was applied by then had been stored before.
  const storedThrough = await ledger.store.progress.storedThrough();
  for (const [partition, offset] of appliedThrough) {
    const highest = storedThrough.get(partition) ?? -1;
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

/** Users that the counters do not know are left out. */
async function snapshotsOf(
  { session, generations }: LedgerContext,
  userIds: readonly string[],
): Promise<Map<string, UserSnapshot>> {
  const snapshots = await snapshotUsers(session, generations, userIds, Date.now());
  return new Map(snapshots.flatMap((snapshot, i) => (snapshot ? [[userIds[i]!, snapshot]] : [])));
}

/** Whether a user's stored rows are exactly those that the user is applied through. */
function isSameCut(
  appliedThrough: OffsetVector,
  storedThrough: OffsetVector,
  rows: readonly PartitionDayTally[],
): boolean {
  return (
    [...appliedThrough].every(([partition, offset]) => offset <= (storedThrough.get(partition) ?? -1)) &&
    rows.every((row) => row.lastOffset <= (appliedThrough.get(partitionId(row.stream, row.partition)) ?? -1))
  );
}

function compare(
  { session, generations }: LedgerContext,
  userId: string,
  snapshot: UserSnapshot,
  rows: readonly PartitionDayTally[],
): Difference[] {
  const { retentionMonths, cellsMax } = generations.get(session.master(userId))!;
  return differencesOf(userId, snapshot, rows, { nowMs: Date.now(), retentionMonths, cellsMax });
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
