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

/** How a fill id begins while the topic is the witness: nobody fills such a user from rows. */
export const FROM_TOPIC = 'topic:';

/**
 * Opens those of some users whom the counters do not know, and queues all that are not complete to be filled. Sums
 * nothing, whatever their history: a few commands to Redis and one read of `stored`.
 *
 * Why it is exact while events are counted (rule 3): the claim comes first, then `stored`, then the opening, which
 * happens only if the claim still stands. Whatever is stored later lies beyond `base` and is added by `apply`, which
 * finds the user unknown until then; whatever lies at or below it never changes and is filled in at leisure.
 *
 * @returns the users that were opened here
 * @throws CountersError COUNTERS_GENERATION when Redis has begun another generation than the ledger is of
 * @throws StoreError
 */
export async function openCold(
  ledger: LedgerContext,
  userIds: readonly string[],
  { fillIds = '', queue = true }: { fillIds?: string; queue?: boolean } = {},
): Promise<Map<string, FillProgress>> {
  const { store, session, generations } = ledger;
  const opened = new Map<string, FillProgress>();
  if (userIds.length === 0) return opened;
  await requireSameGenerations(ledger);
  const nowMs = Date.now();
  const claims = await claimUsers(session, generations, userIds, nowMs);
  const claimed = userIds.flatMap((userId, i) => {
    const claim = claims[i]!;
    return typeof claim === 'string' ? [] : { userId, claim: claim.id, fillId: `${fillIds}${randomUUID()}` };
  });
  const filling = userIds.filter((_, i) => claims[i] === 'filling');
  if (queue) await queueFilling(session, filling, nowMs);
  if (claimed.length === 0) return opened;
  // Before they are opened, so that whoever is killed behind it leaves nobody unfilled.
  const cold = claimed.map(({ userId }) => userId);
  if (queue) await queueUsers(session, cold, nowMs);
  const stored = await store.progress.storedThrough();
  const fillings = await openUsers(session, generations, claimed, stored, nowMs);
  claimed.forEach(({ userId }, i) => {
    const filling = fillings[i];
    if (filling !== undefined) opened.set(userId, filling);
  });
  return opened;
}

/**
 * Makes users unknown and opens them anew, so that they are filled from the rows as they are now: where counters are
 * wrong, and where rows at or below `stored` came back.
 * @returns how many were opened here
 * @throws CountersError, StoreError
 */
export async function reopen(ledger: LedgerContext, userIds: readonly string[]): Promise<number> {
  if (userIds.length === 0) return 0;
  await forgetUsers(ledger.session, userIds);
  return (await openCold(ledger, userIds)).size;
}
