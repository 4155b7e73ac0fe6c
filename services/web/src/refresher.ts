import { backoffMs } from './backoff.ts';
import type { Fault } from './fault.ts';

export interface Refreshed<Value> {
  value(value: Value): void;
  /** Tried again at `againAtMs` (epoch ms). */
  fault(fault: Fault, againAtMs: number): void;
}

/**
 * Loads something again whenever it is told that it changed, one load at a time and none sooner than `gapMs` after the
 * last; and by itself, ever more slowly, while loading fails.
 */
export class Refresher<Value> {
  readonly #load: (signal: AbortSignal) => Promise<Value>;
  readonly #tell: Refreshed<Value>;
  readonly #gapMs: number;
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #loading = false;
  #changed = false;
  #failures = 0;
  #restUntilMs = 0;

  constructor(load: (signal: AbortSignal) => Promise<Value>, tell: Refreshed<Value>, gapMs: number) {
    this.#load = load;
    this.#tell = tell;
    this.#gapMs = gapMs;
  }

  /** What is loaded may have changed. */
  changed(): void {
    this.#changed = true;
    this.#schedule();
  }

  /** A person does not want to wait. */
  retry(): void {
    this.#restUntilMs = 0;
    this.changed();
  }

  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#loading || this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, this.#restUntilMs - Date.now()));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    this.#loading = true;
    this.#changed = false;
    try {
      const value = await this.#load(signal);
      if (signal.aborted) return;
      this.#failures = 0;
      this.#restUntilMs = Date.now() + this.#gapMs;
      this.#tell.value(value);
    } catch (thrown) {
      if (signal.aborted) return;
      const fault = thrown as Fault;
      this.#failures += 1;
      this.#restUntilMs = Date.now() + Math.max(fault.retryAfterMs, backoffMs(this.#failures));
      this.#changed = fault.kind !== 'refused';
      this.#tell.fault(fault, this.#restUntilMs);
    } finally {
      this.#loading = false;
      if (this.#changed) this.#schedule();
    }
  }
}
