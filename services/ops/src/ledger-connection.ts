import {
  CounterSession,
  type CounterSessionOptions,
  CountersError,
  type Generations,
  readGenerations,
} from '@calltally/counters';
import { type LedgerContext, LedgerError } from '@calltally/ledger';
import { type Store, StoreError } from '@calltally/store';
import pRetry from 'p-retry';
import type { Context } from './context.ts';
import { CommandError } from './failure.ts';

const COUNTERS_UNKNOWN = 'COUNTERS_UNKNOWN';
/** The pauses between so many attempts outlast a restart of any store. */
const ATTEMPTS = 60;
/** A store that cannot be reached at first may not be there at all, and somebody waits for the answer. */
const FIRST_ATTEMPTS = 4;
const RETRY = { retries: ATTEMPTS - 1, minTimeout: 50, maxTimeout: 1_000, randomize: true };

/** A ledger context for as long as a command runs. When a session with Redis ends, it opens another one. */
export class LedgerConnection {
  readonly #store: Store;
  readonly #settings: CounterSessionOptions;
  #ledger: LedgerContext | undefined;
  #opening: Promise<LedgerContext> | undefined;
  #wasOpen = false;

  constructor(store: Store, settings: CounterSessionOptions) {
    this.#store = store;
    this.#settings = settings;
  }

  /**
   * Does idempotent work with the ledger. Retries it after an outage of Redis or Mongo, with a new session if need be.
   * @throws CountersError, StoreError, LedgerError, CommandError COUNTERS_UNKNOWN if ingest has never counted
   */
  async use<T>(work: (ledger: LedgerContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    const attempt = async () => {
      const ledger = await this.open();
      try {
        return await work(ledger);
      } catch (thrown) {
        // Others may have opened the next session already.
        if (thrown instanceof CountersError && ledger === this.#ledger) this.close();
        throw thrown;
      }
    };
    return pRetry(attempt, {
      ...RETRY,
      shouldRetry: ({ error, attemptNumber }) =>
        !signal.aborted && (this.#wasOpen || attemptNumber < FIRST_ATTEMPTS) && this.#isTransient(error),
    });
  }

  close(): void {
    this.#ledger?.session.end('the command is over');
    this.#ledger = undefined;
  }

  /**
   * @throws CountersError, CommandError COUNTERS_UNKNOWN if ingest has never counted, StoreError STORE_ROWS_OUTDATED if it
   *   cannot count before an upgrade
   */
  async open(): Promise<LedgerContext> {
    if (this.#ledger?.session.isOpen) return this.#ledger;
    this.#opening ??= this.#openAnother().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openAnother(): Promise<LedgerContext> {
    const session = await CounterSession.open(this.#settings);
    try {
      const generations = await readGenerations(session);
      if (generations.size < session.masters.length) {
        await this.#store.upgrade.requireDone();
        throw new CommandError(
          COUNTERS_UNKNOWN,
          'nothing was counted in Redis yet; ingest must run once first',
        );
      }
      this.#ledger = { store: this.#store, session, generations };
      this.#wasOpen = true;
      return this.#ledger;
    } catch (thrown) {
      session.end('not usable');
      throw thrown;
    }
  }

  #isTransient(thrown: unknown): boolean {
    if (thrown instanceof StoreError) return thrown.retryable;
    // Ingest begins to count again when it finds that Redis was emptied.
    if (thrown instanceof CommandError) return thrown.code === COUNTERS_UNKNOWN && this.#wasOpen;
    return thrown instanceof CountersError || thrown instanceof LedgerError;
  }
}

/** The generations of all masters as one text. It changes when one of them begins another. */
export function generationIds(generations: Generations): string {
  return [...generations.values()]
    .map(({ id }) => id)
    .sort()
    .join(',');
}

export interface LedgerTimeouts {
  storeMs?: number;
  redisCommandMs: number;
}

/** A user may have millions of rows, and one aggregation adds up the rows of many users. */
const AUDIT_TIMEOUTS: LedgerTimeouts = { storeMs: 300_000, redisCommandMs: 30_000 };
const REDIS_OPEN_TIMEOUT_MS = 2_000;

/** Runs `work` with one session that ends with the first failure of Redis. */
export async function withLedger<T>(
  context: Context,
  work: (ledger: LedgerContext) => Promise<T>,
): Promise<T> {
  return withLedgerConnection(context, async (connection) => work(await connection.open()));
}

/** Runs `work` with a connection that outlasts a session with Redis. */
export async function withLedgerConnection<T>(
  context: Context,
  work: (connection: LedgerConnection, store: Store) => Promise<T>,
  timeouts = AUDIT_TIMEOUTS,
): Promise<T> {
  return context.withStore(async (store) => {
    const connection = new LedgerConnection(store, {
      ...context.settings().redis,
      commandTimeoutMs: timeouts.redisCommandMs,
      openTimeoutMs: REDIS_OPEN_TIMEOUT_MS,
    });
    try {
      return await work(connection, store);
    } finally {
      connection.close();
    }
  }, timeouts.storeMs);
}
