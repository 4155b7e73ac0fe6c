import { type CounterSession, CountersError, type Generations, readGenerations } from '@calltally/counters';
import type { Store } from '@calltally/store';

/** Where counters rest, whose generation they are, and the rows they are made from. */
export interface LedgerContext {
  store: Store;
  session: CounterSession;
  generations: Generations;
}

/**
 * A process of an older generation would otherwise overwrite counters that it takes for unknown.
 * @throws CountersError COUNTERS_GENERATION when Redis has begun another generation than the ledger is of
 */
export async function requireSameGenerations({ session, generations }: LedgerContext): Promise<void> {
  const current = await readGenerations(session);
  for (const [master, { id }] of generations) {
    if (current.get(master)?.id !== id) {
      throw new CountersError('COUNTERS_GENERATION', 'Redis was emptied, or began another generation');
    }
  }
}
