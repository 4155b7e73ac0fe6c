import { isClientError, TransportError } from './errors.ts';

/** A time limit together with the caller's signal. Both abort `signal`. End it when the wait is over. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #ms: number;
  readonly #caller: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isMissed = false;

  constructor(ms: number, caller: AbortSignal | undefined) {
    this.#ms = ms;
    this.#caller = caller;
    // AbortSignal.any would keep a listener for each request as long as the caller's signal lives, in some engines.
    caller?.addEventListener('abort', this.#cancel, { once: true });
    if (caller?.aborted) this.#cancel();
    this.restart();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Gives the full time again. */
  restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isMissed = true;
      this.#controller.abort();
    }, this.#ms);
  }

  /** Stops the clock until the next `restart`. */
  suspend(): void {
    clearTimeout(this.#timer);
  }

  /** Ends the limit, and whatever still uses the signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#cancel);
    this.#controller.abort();
  }

  /** Resolves as `work` does. Rejects as soon as the signal is aborted. */
  async within<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    let stop = () => {};
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
    });
    try {
      return await Promise.race([work, aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** What to throw for an error that ended the wait. */
  errorOf(thrown: unknown): unknown {
    if (this.#caller?.aborted) return this.#caller.reason;
    if (this.#isMissed) {
      return new TransportError('TIMEOUT', `There was no answer within ${this.#ms} ms.`, true, {
        cause: thrown,
      });
    }
    if (isClientError(thrown)) return thrown;
    return new TransportError('NETWORK_ERROR', 'The API cannot be reached.', true, { cause: thrown });
  }

  readonly #cancel = () => this.#controller.abort(this.#caller?.reason);
}
