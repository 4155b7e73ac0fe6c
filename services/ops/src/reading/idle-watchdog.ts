const LOOK_EVERY_MS = 5_000;
/** Longer than a group takes to form and than all attempts of a fetch together. */
export const SILENCE_MAX_MS = 120_000;

/** Watches over times in which a reader is given nothing: looks every few seconds, and says so when one is too long. */
export class IdleWatchdog {
  readonly #look: () => Promise<void>;
  readonly #silent: () => void;
  #heardAtMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  /** @param on.look never rejects, and is not called again before it resolves */
  constructor(on: { look(): Promise<void>; silent(): void }) {
    this.#look = on.look;
    this.#silent = on.silent;
  }

  /** From here on it is quiet. */
  begin(): void {
    this.end();
    this.#heardAtMs = performance.now();
    this.#timer = setInterval(() => {
      if (performance.now() - this.#heardAtMs >= SILENCE_MAX_MS) return this.#silent();
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_EVERY_MS);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
