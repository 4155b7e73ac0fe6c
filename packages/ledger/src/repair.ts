import { setTimeout as sleep } from 'node:timers/promises';
import {
  addPieces,
  dequeueUsers,
  ensureGenerations,
  forgetUsers,
  readFillStatuses,
  type UserDaySums,
  withFillSlot,
} from '@calltally/counters';
import { type OffsetVector, partitionId } from '@calltally/store';
import { FILL_SLOTS, fillPieces } from './fill-pieces.ts';
import type { LedgerContext } from './ledger-context.ts';
import { FROM_TOPIC, openCold } from './open-cold.ts';
import { type PieceReader, pieceReaderOf } from './piece-reader.ts';

export interface FillOptions {
  slots?: number | undefined;
  pieces?: PieceReader | undefined;
  /** Told how many rows were added up, after each piece. */
  onRows?: ((rows: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Gives each user's sums of exactly the canonical events at or below `through`. */
export type SumsAt = (userIds: readonly string[], through: OffsetVector) => Promise<UserDaySums[]>;

const SLOT_PAUSE_MS = 20;
/** A further round is needed only if somebody opened or filled the user in between, which takes a few milliseconds. */
const ROUNDS_MAX = 24;

/**
 * Opens unknown users, and fills all that are not complete. If the process is killed, any filler goes on from there.
 * @throws CountersError, StoreError; what is filled stays
 */
export async function fillUntilComplete(
  ledger: LedgerContext,
  userIds: readonly string[],
  { slots = FILL_SLOTS, pieces = pieceReaderOf(ledger), onRows, signal }: FillOptions = {},
): Promise<void> {
  await openCold(ledger, userIds);
  const statuses = await readFillStatuses(ledger.session, ledger.generations, userIds);
  let left = userIds.filter((_, i) => statuses[i] !== 'complete');
  while (left.length > 0 && !signal?.aborted) {
    const filled = await withFillSlot(ledger.session, slots, (release) =>
      fillPieces(ledger, pieces, left, release),
    );
    if (filled === undefined) await sleep(SLOT_PAUSE_MS);
    else {
      onRows?.(filled.rows);
      if (filled.pieces === 0 && filled.left.length > 0) await sleep(SLOT_PAUSE_MS);
      left = filled.left;
    }
  }
}

/**
 * Repairs users whose counters are wrong: forgets them, opens them and fills them. Meanwhile Mongo answers for them.
 * @throws CountersError, StoreError
 */
export async function repairUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  options?: FillOptions,
): Promise<void> {
  if (userIds.length === 0) return;
  await forgetUsers(ledger.session, userIds);
  await fillUntilComplete(ledger, userIds, options);
}

/**
 * Makes users' counters again from other sums than those of the rows, whatever anybody fills in meanwhile.
 * @returns the users that could not be done in a bounded number of rounds, because others kept opening them
 * @throws CountersError, StoreError, and what `sumsAt` throws
 */
export async function replaceUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  sumsAt: SumsAt,
): Promise<string[]> {
  const { session, generations } = ledger;
  let left = userIds;
  for (let round = 1; round <= ROUNDS_MAX && left.length > 0; round++) {
    if (round > 1) await sleep(SLOT_PAUSE_MS);
    await forgetUsers(session, left);
    const opened = await openCold(ledger, left, { fillIdPrefix: FROM_TOPIC });
    const [first] = opened.values();
    if (first === undefined) continue;
    const { base } = first;
    // Their corrections could not be added as a whole; see `fillPieces`.
    const unmet = await ledger.store.corrections.usersWithUnmetNeeds([...opened.keys()], base);
    const own = left.filter((userId) => opened.has(userId) && !unmet.has(userId));
    if (own.length === 0) continue;
    const sums = await sumsAt(own, base);
    const filled = await addPieces(
      session,
      generations,
      sums.map((one) => ({ filling: opened.get(one.userId)!, sums: one, fromMs: -Infinity })),
    );
    const done = new Set(sums.flatMap(({ userId }, i) => (filled[i] ? userId : [])));
    await dequeueUsers(session, new Map([...opened].filter(([userId]) => done.has(userId))));
    left = left.filter((userId) => !done.has(userId));
  }
  return [...left];
}

/**
 * Discards everybody's counters by beginning another generation on every master. Everybody is cold then, and Mongo answers
 * until they are filled. Ingest notices it and starts a new epoch. The new checkpoints say how far Mongo is stored. That
 * is true for cold users, because they will be opened at no less.
 *
 * @param ledger must not be used any more
 * @throws CountersError, StoreError
 */
export async function discardCounters(
  { store, session, generations }: LedgerContext,
  topicEpoch: number,
  partitions: readonly number[],
): Promise<void> {
  const storedThrough = await store.progress.storedThrough();
  const ids = partitions.map((partition) => partitionId(topicEpoch, partition));
  const through = new Map(ids.map((id) => [id, storedThrough.get(id) ?? -1]));
  const before = [...generations.values()];
  const replacing = new Set(before.map(({ id }) => id));
  const { retentionMonths, cellsMax } = before[0]!;
  await ensureGenerations(session, { retentionMonths, cellsMax, through, replacing, adoptsSlots: true });
}
