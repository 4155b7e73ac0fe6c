const CHECK_EVERY_MS = 5_000;
/** Longer than a group takes to form, and than all attempts of a fetch together. */
export const IDLE_MAX_MS = 120_000;

/** Watches a reader that is given nothing: calls `check` every few seconds, and `onIdle` after {@link IDLE_MAX_MS}. */
export class IdleWatchdog {
  readonly #check: () => Promise<void>;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> | undefined;

  /** @param check never rejects, and is not called again before it resolves */
  constructor(check: () => Promise<void>, onIdle: () => void) {
    this.#check = check;
    this.#onIdle = onIdle;
  }

  /** The reader waits from here on. */
  start(): void {
    this.stop();
    const startedAtMs = performance.now();
    this.#timer = setInterval(() => {
      if (performance.now() - startedAtMs >= IDLE_MAX_MS) return this.#onIdle();
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined;
      });
    }, CHECK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
