import type { LedgerContext } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Context } from '../context.ts';
import { LedgerConnection } from '../ledger-connection.ts';

/** A user may have millions of rows, and one aggregation adds up those of many users. */
const STORE_TIMEOUT_MS = 300_000;
const REDIS_COMMAND_TIMEOUT_MS = 30_000;
const REDIS_OPEN_TIMEOUT_MS = 2_000;

/** Runs `work` with counters and rows at hand, and closes both, however that ends. */
export async function withLedger<T>(
  context: Context,
  work: (ledger: LedgerContext) => Promise<T>,
): Promise<T> {
  return withLedgerConnection(context, async (live) => work(await live.open()));
}

/** The same for work that outlasts a session with Redis. */
export async function withLedgerConnection<T>(
  context: Context,
  work: (live: LedgerConnection, store: Store) => Promise<T>,
): Promise<T> {
  return context.withStore(async (store) => {
    const live = new LedgerConnection(store, {
      ...context.settings().redis,
      commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
      openTimeoutMs: REDIS_OPEN_TIMEOUT_MS,
    });
    try {
      return await work(live, store);
    } finally {
      live.close();
    }
  }, STORE_TIMEOUT_MS);
}
