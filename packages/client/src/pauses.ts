const LONGEST_MS = 15_000;

/**
 * The pause after `failures` in a row (at least 1). It doubles from `firstMs` up to 15 s, and is never shorter than the
 * server asks. Up to as much again is random, so that a thousand clients do not return at the same moment.
 */
export function pauseMsAfter(
  failures: number,
  firstMs: number,
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const leastMs = Math.max(retryAfterMs, Math.min(firstMs * 2 ** (failures - 1), LONGEST_MS));
  return Math.round(leastMs + random() * Math.min(leastMs, LONGEST_MS));
}

/** A pause that can be ended early, even before it begins. */
export class Pause {
  #isEnded = false;
  #end = () => {};

  /** Resolves after `ms`, on `end`, or when the signal is aborted. */
  async wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener('abort', end, { once: true });
      this.#end = end;
      if (this.#isEnded || signal?.aborted) end();
    });
  }

  end(): void {
    this.#isEnded = true;
    this.#end();
  }
}
