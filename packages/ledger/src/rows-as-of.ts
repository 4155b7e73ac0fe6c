import { setTimeout as sleep } from 'node:timers/promises';
import { type Cut, cutAt, type Store, StoreError } from '@calltally/store';

const POLL_MS = 1_000;
/** An answer waits no longer for the first poll: a Mongo that is slower than this is down. */
const FIRST_POLL_MS = 500;

/** How far Mongo is, at one moment. */
export interface RowsState {
  /** Epoch ms: all that was acknowledged by then is in Mongo; undefined while a partition has no as-of. */
  asOfMs: number | undefined;
  /** There was a correction at that moment. */
  hasCorrections: boolean;
}

/**
 * Polls how far Mongo is, for answers from rows. All rows count in them, and what is stored of corrections: one that is
 * being written counts as a whole or not at all. What as-of says stays true, because rows and corrections are only added.
 */
export class RowsAsOf {
  readonly #store: Pick<Store, 'progress' | 'corrections'>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #latest: RowsState | undefined;
  #polling: Promise<RowsState> | undefined;

  constructor(store: Pick<Store, 'progress' | 'corrections'>) {
    this.#store = store;
  }

  /** Epoch ms; undefined until it is known. */
  get current(): number | undefined {
    return this.#latest?.asOfMs;
  }

  /** The state at the latest poll that succeeded. @throws StoreError if none has yet, and Mongo does not answer now */
  async state(): Promise<RowsState> {
    return this.#latest ?? Promise.race([this.#poll(), lateAfter(FIRST_POLL_MS)]);
  }

  /** What counts in an answer that is read now. Where nothing was corrected, nothing is asked. @throws StoreError */
  async cut(): Promise<Cut> {
    const { hasCorrections } = await this.state();
    const corrections = hasCorrections ? await this.#store.progress.storedThrough() : undefined;
    return { rows: undefined, corrections };
  }

  /** What is stored now: the same rows and corrections, however often they are read. @throws StoreError */
  async storedCut(): Promise<Cut> {
    return cutAt(await this.#store.progress.storedThrough());
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#poll().catch(() => {});
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }

  #poll(): Promise<RowsState> {
    this.#polling ??= this.#ask().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  async #ask(): Promise<RowsState> {
    const asOfMs = await this.#store.progress.asOf();
    // Asked last: whatever as-of speaks of is there.
    this.#latest = { asOfMs, hasCorrections: await this.#store.corrections.any() };
    return this.#latest;
  }
}

async function lateAfter(ms: number): Promise<never> {
  await sleep(ms, undefined, { ref: false });
  throw new StoreError('STORE_TIMEOUT', true, new Error('Mongo has not said yet how far it is'));
}
