import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@calltally/store';

const POLL_MS = 1_000;

/** Polls as of when all acknowledged calls are in Mongo. What was true once stays true, because rows are never removed. */
export class RowsAsOf {
  readonly #store: Store;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #current: number | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Epoch ms; undefined until it is known. */
  get current(): number | undefined {
    return this.#current;
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
      this.#current = await this.#store.progress.asOf().catch(() => this.#current);
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  }
}
