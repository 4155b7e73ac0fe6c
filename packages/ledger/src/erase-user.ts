import { setTimeout as sleep } from 'node:timers/promises';
import { eraseUsers } from '@calltally/counters';
import { type ErasureRow, partitionId, type Store, type TopicEnds } from '@calltally/store';
import type { LedgerContext } from './ledger-context.ts';

/** How far a partition must be stored, and is. */
export interface PartitionWait {
  partition: number;
  stored: number;
  until: number;
}

export type ErasureStep =
  | 'known'
  | 'revoked'
  | 'deleted'
  | 'stored'
  | 'deleted again'
  | 'forgotten'
  | 'finished';

export interface EraseParts {
  store: Store;
  /** Does idempotent work with the ledger. */
  use<T>(work: (ledger: LedgerContext) => Promise<T>): Promise<T>;
  /**
   * Of every partition, the last offset that producers were told of; with `stable`, the last one that consumers are given,
   * which lies before the first open transaction.
   */
  endsOf(isolation: 'acknowledged' | 'stable'): Promise<TopicEnds['ends']>;
  onStep?: (step: ErasureStep) => void;
  /** Told how many documents were deleted, piece by piece. */
  onDeleted?: (deleted: number) => void;
  /** Told which partitions are waited for. */
  onWaiting?: (partitions: readonly PartitionWait[]) => void;
  signal: AbortSignal;
}

const POLL_MS = 200;
/** The API accepts a revoked key for two seconds, intake a deleted hook. */
const KEY_ACCEPTED_MS = 3_000;

/**
 * Erases a user: API keys, rows, corrections, counters (docs/design.md, "Erasure"). Goes on wherever another process was
 * killed; two that do it at once do no harm.
 *
 *   1. write the erasure, raise the version of the list, tell partitions – from here on every event of the user is dropped
 *   2. revoke the keys, and delete the hooks that always bring this user's calls
 *   3. delete; wait until the topic is stored through its present ends; delete again: what was written by processes that
 *      did not know yet is there by then
 *   4. delete the counters and all else
 *   5. close – from here on events of the user wait; then read the ends of the topic
 *   6. finish – events at or below these ends are dropped, later ones count
 *
 * Step 5 is for events that come while it ends: one that was dropped lies at or below the ends, and one beyond them has
 * waited.
 *
 * @returns the erasure, finished
 * @throws StoreError, CountersError, what `use` and `endsOf` throw, AbortError; then run it again
 */
export async function eraseUser(parts: EraseParts, userId: string): Promise<ErasureRow> {
  const { store, onStep = () => {}, signal } = parts;
  const erasure = await store.erasures.begin(userId);
  onStep('known');
  signal.throwIfAborted();
  if (erasure.state === 'erasing') {
    const keyIds = await revokeKeys(store, userId);
    onStep('revoked');
    await deleteCalls(parts, userId);
    await parts.use(({ session }) => eraseUsers(session, [userId], Date.now()));
    await Promise.all([store.apiKeys.blank(keyIds), store.rebuilds.forget(userId)]);
    onStep('forgotten');
    signal.throwIfAborted();
    await store.erasures.close(erasure);
  }
  await store.erasures.finish(erasure, await topicEnds(parts, 'acknowledged'));
  onStep('finished');
  return (await store.erasures.of([userId])).get(userId)!;
}

/** @returns their ids. Keys that are created later belong to a new user. */
async function revokeKeys({ apiKeys, hooks }: Store, userId: string): Promise<string[]> {
  const keys = await apiKeys.list(userId);
  const active = keys.filter((key) => key.revoked_at === undefined);
  for (const { _id } of active) await apiKeys.revoke(_id);
  const deleted = await hooks.deleteOf(userId);
  // Whoever reads by one of them may open the user in Redis again.
  if (active.length + deleted > 0) await sleep(KEY_ACCEPTED_MS);
  return keys.map(({ _id }) => _id);
}

async function deleteCalls(parts: EraseParts, userId: string): Promise<void> {
  const { store, onStep = () => {}, onDeleted, onWaiting = () => {}, signal } = parts;
  // After partitions were told: whoever writes an event from beyond these ends knows of the erasure.
  const ends = await topicEnds(parts, 'stable');
  await store.erasedCalls.deleteThrough(userId, ends, onDeleted, signal);
  onStep('deleted');
  for (;;) {
    const stored = await store.progress.storedThrough();
    const behind = ends.ends
      .map(({ partition, offset: until }) => {
        return { partition, stored: stored.get(partitionId(ends.stream, partition)) ?? -1, until };
      })
      .filter((one) => one.stored < one.until);
    if (behind.length === 0) break;
    onWaiting(behind);
    await sleep(POLL_MS, undefined, { signal });
  }
  onStep('stored');
  await store.erasedCalls.deleteThrough(userId, ends, onDeleted, signal);
  onStep('deleted again');
}

/** The ends of one topic epoch. */
async function topicEnds(
  { store, endsOf, signal }: EraseParts,
  isolation: 'acknowledged' | 'stable',
): Promise<TopicEnds> {
  for (;;) {
    signal.throwIfAborted();
    const stream = await store.progress.currentStream();
    const ends = await endsOf(isolation);
    if ((await store.progress.currentStream()) === stream) return { stream, ends };
  }
}
