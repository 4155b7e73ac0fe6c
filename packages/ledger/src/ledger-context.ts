import { type CounterSession, CountersError, type Generations, readGenerations } from '@calltally/counters';
import type { Store } from '@calltally/store';

/** What is needed to count or to read: the rows, the session with Redis, and the generations of its counters. */
export interface LedgerContext {
  store: Store;
  session: CounterSession;
  generations: Generations;
}

/**
 * Without this check, a process of an older generation would overwrite counters that it takes for unknown.
 * @throws CountersError COUNTERS_GENERATION if Redis has another generation than the ledger
 */
export async function requireSameGenerations({ session, generations }: LedgerContext): Promise<void> {
  const current = await readGenerations(session, () => false);
  for (const [master, { id }] of generations) {
    if (current.get(master)?.id !== id) {
      throw new CountersError('COUNTERS_GENERATION', 'Redis was emptied, or has begun another generation');
    }
  }
}
