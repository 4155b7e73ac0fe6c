import { setTimeout as sleep } from 'node:timers/promises';
import {
  addPieces,
  dequeueUsers,
  type FillProgress,
  forgetUsers,
  readFillStatuses,
  type UserDaySums,
} from '@calltally/counters';
import type { OffsetVector } from '@calltally/store';
import { fillPieces } from './fill.ts';
import { FILL_SLOTS, withFillSlot } from './fill-slot.ts';
import type { LedgerContext } from './ledger-context.ts';
import { FROM_TOPIC, openCold } from './open.ts';
import { PieceReader } from './piece-reader.ts';

export interface WarmOptions {
  slots?: number | undefined;
  pieces?: PieceReader | undefined;
  /** Told of rows as they are added up. */
  onRows?: ((rows: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Sums of each of some users, exactly those of the canonical events at or below a cut. */
export type SumsAt = (userIds: readonly string[], cut: OffsetVector) => Promise<UserDaySums[]>;

const SLOT_PAUSE_MS = 20;
/** Each further round means that another opened or filled the user in between, which takes a few milliseconds. */
const ROUNDS = 24;

/**
 * Fills users in whom the counters do not know, or know in part, until they are complete; who is complete is left.
 * Killed, it is gone on with by whoever comes next.
 * @throws CountersError, StoreError; what is filled stays
 */
export async function fillUntilComplete(
  ledger: LedgerContext,
  userIds: readonly string[],
  { slots = FILL_SLOTS, pieces = new PieceReader(ledger.store.tallies), onRows, signal }: WarmOptions = {},
): Promise<void> {
  await openCold(ledger, userIds);
  let left = await incompleteOf(ledger, userIds);
  while (left.length > 0 && !signal?.aborted) {
    const filled = await withFillSlot(ledger.session, slots, () => fillPieces(ledger, pieces, left));
    if (filled === undefined) await sleep(SLOT_PAUSE_MS);
    else {
      onRows?.(filled.rows);
      if (filled.pieces === 0 && filled.left.length > 0) await sleep(SLOT_PAUSE_MS);
      left = filled.left;
    }
  }
}

/**
 * Makes the counters of users anew whose counters are wrong: forgets them, opens them and fills them in. Meanwhile they
 * are answered from Mongo.
 * @throws CountersError, StoreError
 */
export async function repairUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  options?: WarmOptions,
): Promise<void> {
  if (userIds.length === 0) return;
  await forgetUsers(ledger.session, userIds);
  await fillUntilComplete(ledger, userIds, options);
}

/**
 * Makes counters anew from other sums than those of the rows, whatever anybody fills in meanwhile.
 * @returns the users that could not be done within a bounded time, since others kept opening them
 * @throws CountersError, StoreError, and what `sumsAt` throws
 */
export async function replaceUsers(
  ledger: LedgerContext,
  userIds: readonly string[],
  sumsAt: SumsAt,
): Promise<string[]> {
  const { session, generations } = ledger;
  let left = userIds;
  for (let round = 1; round <= ROUNDS && left.length > 0; round++) {
    if (round > 1) await sleep(SLOT_PAUSE_MS);
    await forgetUsers(session, left);
    const opened = await openCold(ledger, left, { fillIds: FROM_TOPIC });
    const own = left.filter((userId) => opened.has(userId));
    if (own.length === 0) continue;
    const { base } = opened.get(own[0]!) as FillProgress;
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

async function incompleteOf(
  { session, generations }: LedgerContext,
  userIds: readonly string[],
): Promise<string[]> {
  const standings = await readFillStatuses(session, generations, userIds);
  return userIds.filter((_, i) => standings[i] !== 'complete');
}
