import { eraseUsers, mastersBefore, noteErased } from '@calltally/counters';
import type { LedgerContext } from './ledger-context.ts';

/**
 * Deletes what a Redis that is back in an older state has of users that were erased since. Each master names the version of
 * the list of erasures that it follows, so usually nothing is to be done.
 * @throws StoreError, CountersError
 */
export async function forgetErased({ store, session, generations }: LedgerContext): Promise<void> {
  const version = await store.erasures.refresh();
  for (const [master, noted] of mastersBefore(generations, version)) {
    const changed = await store.erasures.changedSince(noted);
    const own = changed.filter((userId) => session.holds(userId) && session.master(userId) === master);
    await eraseUsers(session, own, Date.now());
    await noteErased(session, master, version);
  }
}
