import type { Logger } from '@calltally/telemetry';
import { toLoggedError } from './redaction.ts';

/** A store that comes and goes must not fill the log. */
const REPEAT_MS = 600_000;

/** Logs why a store is away, and that it is back: once for each reason, not for each attempt or request. */
export class OutageLog {
  readonly #logger: Logger;
  readonly #store: string;
  readonly #meanwhile: string;
  readonly #loggedAtMs = new Map<string, number>();
  #isLogged = false;

  /** @param meanwhile what works without the store */
  constructor(logger: Logger, store: string, meanwhile: string) {
    this.#logger = logger;
    this.#store = store;
    this.#meanwhile = meanwhile;
  }

  away(thrown: unknown): void {
    const { code, message = '' } = toLoggedError(thrown);
    const reason =
      code !== undefined && message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
    const nowMs = performance.now();
    const loggedAtMs = this.#loggedAtMs.get(reason) ?? Number.NEGATIVE_INFINITY;
    if (nowMs < loggedAtMs + REPEAT_MS) return;
    this.#loggedAtMs.set(reason, nowMs);
    this.#isLogged = true;
    this.#logger.warn({ code }, `${this.#store} is away: ${reason}; ${this.#meanwhile}`);
  }

  back(): void {
    if (!this.#isLogged) return;
    this.#isLogged = false;
    this.#logger.info(`${this.#store} is back`);
  }
}
