import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/** Pauses that grow from 50 ms to a second, short enough for heartbeats between them. Used where retries never end. */
export class Backoff {
  #nextMs = FIRST_MS;

  /** Ends early, and never rejects, when the signal aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#nextMs * (0.75 + Math.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_MS);
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}
