import type { Store } from '@calltally/store';
import type { CountersLink } from './counters-link.ts';
import { RESPECT_MS, recountUsers } from './recount.ts';

/** More cold users than this wait for their next read, or for their next call. */
const WAITING_MAX = 10_000;
const USERS_AT_ONCE = 50;

/**
 * Recounts users that a reader found cold, one group after another, behind the answers. What fails is dropped: the
 * user stays cold, is answered from rows, and is asked for again by the next read.
 */
export class RecountQueue {
  readonly #store: Store;
  readonly #link: CountersLink;
  readonly #waiting = new Set<string>();
  #working: Promise<void> | undefined;

  constructor(store: Store, link: CountersLink) {
    this.#store = store;
    this.#link = link;
  }

  /** Users that wait to be recounted. */
  get waiting(): number {
    return this.#waiting.size;
  }

  add(userId: string): void {
    if (this.#waiting.size >= WAITING_MAX) return;
    this.#waiting.add(userId);
    this.#working ??= this.#work();
  }

  /** Resolves when nobody waits any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // Not in the turn of the read that asked: its answer goes first.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const users = [...this.#waiting].slice(0, USERS_AT_ONCE);
      const live = this.#link.current;
      if (live !== undefined) {
        const { session, generations } = live;
        const books = { store: this.#store, session, generations };
        await recountUsers(books, users, { evenIfWarm: false, respectMs: RESPECT_MS }).catch(() => {});
      }
      for (const user of users) this.#waiting.delete(user);
    }
    this.#working = undefined;
  }
}
