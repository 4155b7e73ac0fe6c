import { setTimeout as sleep } from 'node:timers/promises';
import {
  CounterSession,
  type CounterSessionOptions,
  CountersError,
  readGenerations,
} from '@calltally/counters';
import { type LedgerContext, LedgerError } from '@calltally/ledger';
import { type Store, StoreError } from '@calltally/store';
import { CommandError } from './failure.ts';

const COUNTERS_UNKNOWN = 'COUNTERS_UNKNOWN';
/** Attempts of one piece of work; with their pauses they outlast a restart of any store. */
const ATTEMPTS = 60;
/** A store that cannot be reached at first may not be there at all, and who typed the command waits. */
const FIRST_ATTEMPTS = 4;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/** A ledger context for as long as a command lives: a session that ends is followed by another. */
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
   * Does idempotent work with the ledger, and repeats it a bounded number of times where that may help: with the one
   * of another session where theirs is over.
   * @throws CountersError, StoreError, LedgerError, CommandError COUNTERS_UNKNOWN where ingest has not begun to count
   */
  async use<T>(work: (ledger: LedgerContext) => Promise<T>, signal: AbortSignal): Promise<T> {
    let pauseMs = FIRST_PAUSE_MS;
    for (let attempt = 1; ; attempt++) {
      let ledger: LedgerContext | undefined;
      try {
        ledger = await this.open();
        return await work(ledger);
      } catch (thrown) {
        // Others may have opened the next session already.
        if (thrown instanceof CountersError && ledger === this.#ledger) this.close();
        const attempts = this.#wasOpen ? ATTEMPTS : FIRST_ATTEMPTS;
        if (!this.#isWorthRepeating(thrown) || attempt === attempts || signal.aborted) throw thrown;
      }
      await sleep(pauseMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  close(): void {
    this.#ledger?.session.end('the command is over');
    this.#ledger = undefined;
  }

  /** @throws CountersError, CommandError COUNTERS_UNKNOWN where ingest has not begun to count */
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

  #isWorthRepeating(thrown: unknown): boolean {
    if (thrown instanceof StoreError) return thrown.retryable;
    // Ingest begins to count again when it finds that Redis was emptied.
    if (thrown instanceof CommandError) return thrown.code === COUNTERS_UNKNOWN && this.#wasOpen;
    return thrown instanceof CountersError || thrown instanceof LedgerError;
  }
}
