import { randomUUID } from 'node:crypto';
import {
  claimUsers,
  type FillProgress,
  forgetUsers,
  openUsers,
  queueFilling,
  queueUsers,
} from '@calltally/counters';
import { type LedgerContext, requireSameGenerations } from './ledger-context.ts';

/** Prefix of fill ids of users that are filled from the topic. Nobody fills them from rows. */
export const FROM_TOPIC = 'topic:';

/**
 * Opens those users whom the counters do not know, and queues all that are not complete. Sums nothing, however long their
 * histories are: a few commands to Redis and one read of how far Mongo is stored.
 *
 * Why it is exact while events are counted (rule 3): first comes the claim, then the read of `stored`, then the opening,
 * which fails unless the claim still stands. What is stored later lies beyond `base`, and `apply` adds it, because it
 * finds the user unknown until then. What lies at or below `base` never changes, so filling it in may take its time.
 *
 * @returns the users that were opened here
 * @throws CountersError COUNTERS_GENERATION if Redis has another generation than the ledger
 * @throws StoreError
 */
export async function openCold(
  ledger: LedgerContext,
  userIds: readonly string[],
  { fillIdPrefix = '', queue = true }: { fillIdPrefix?: string; queue?: boolean } = {},
): Promise<Map<string, FillProgress>> {
  const { store, session, generations } = ledger;
  const opened = new Map<string, FillProgress>();
  if (userIds.length === 0) return opened;
  await requireSameGenerations(ledger);
  const nowMs = Date.now();
  const claims = await claimUsers(session, generations, userIds, nowMs);
  const claimed = userIds.flatMap((userId, i) => {
    const claim = claims[i]!;
    if (typeof claim === 'string') return [];
    return { userId, claim: claim.id, fillId: `${fillIdPrefix}${randomUUID()}` };
  });
  const filling = userIds.filter((_, i) => claims[i] === 'filling');
  if (queue) await queueFilling(session, filling, nowMs);
  if (claimed.length === 0) return opened;
  // Before they are opened, so that a process killed right after it leaves nobody unfilled.
  const cold = claimed.map(({ userId }) => userId);
  if (queue) await queueUsers(session, cold, nowMs);
  const storedThrough = await store.progress.storedThrough();
  const fillings = await openUsers(session, generations, claimed, storedThrough, nowMs);
  for (const [i, { userId }] of claimed.entries()) {
    const filling = fillings[i];
    if (filling !== undefined) opened.set(userId, filling);
  }
  return opened;
}

/**
 * Forgets users and opens them again, so that they are filled from the present rows: if their counters are wrong, or rows
 * at or below `stored` came back.
 * @returns how many were opened here
 * @throws CountersError, StoreError
 */
export async function reopen(ledger: LedgerContext, userIds: readonly string[]): Promise<number> {
  if (userIds.length === 0) return 0;
  await forgetUsers(ledger.session, userIds);
  return (await openCold(ledger, userIds)).size;
}
