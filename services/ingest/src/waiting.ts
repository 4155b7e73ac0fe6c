import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_MS = 50;
const LONGEST_MS = 1_000;

/** Pauses that grow from 50 ms to a second; short enough that a heartbeat between them keeps the membership. */
export class Backoff {
  #nextMs = FIRST_MS;

  async pause(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#nextMs * (0.75 + Math.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_MS);
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
  }
}

const BEAT_EVERY_MS = 500;

/**
 * Awaits work while a heartbeat is sent every half second, so that slow work does not cost the membership.
 * @throws what the work throws, or what the heartbeat throws (the group is rebalancing, or no longer knows us)
 */
export async function withHeartbeats<T>(work: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const beating = new Promise<never>((_, reject) => {
    timer = setInterval(() => heartbeat().catch(reject), BEAT_EVERY_MS);
  });
  try {
    return await Promise.race([work, beating]);
  } finally {
    clearInterval(timer);
    // What is left behind when a heartbeat fails must not become an unhandled rejection; it is safe to end by itself.
    work.catch(() => {});
  }
}

/** Resolves when the work has ended, however, or after so many milliseconds. Never rejects. */
export async function settledWithin(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const waiting = new AbortController();
  const bound = sleep(ms, undefined, { signal: waiting.signal }).catch(() => {});
  await Promise.race([work?.catch(() => {}), bound]);
  waiting.abort();
}
