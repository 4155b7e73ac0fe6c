import { useEffect, useRef, useState } from 'preact/hooks';
import { backoffMs, type Fault } from './api.ts';

interface Refreshed<Value> {
  value(value: Value): void;
  /** It is tried again at `againAtMs` (epoch ms). */
  fault(fault: Fault, againAtMs: number): void;
}

/**
 * Loads a value again whenever it may have changed: one load at a time, and at least `gapMs` apart. Failed loads are
 * repeated with backoff.
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

  /** The value may have changed. */
  changed(): void {
    this.#changed = true;
    this.#schedule();
  }

  /** Loads now, whatever the pause. */
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

interface Loaded<Value> {
  value: Value | undefined;
  /** Why the last load failed. An earlier value is kept. */
  fault: { fault: Fault; againAtMs: number } | undefined;
  retry(): void;
}

/**
 * Loads a value, and again when `version` changes, at most every `gapMs`. Under another name, the old value is not shown.
 * @param name identifies the value; undefined while nothing is to be loaded
 */
export function useRefreshed<Value>(
  name: string | undefined,
  version: number,
  gapMs: number,
  load: (signal: AbortSignal) => Promise<Value>,
): Loaded<Value> {
  const [loaded, setLoaded] = useState<{ name: string; value?: Value; fault?: Loaded<Value>['fault'] }>();
  const refresher = useRef<Refresher<Value>>(undefined);
  // Each rendering passes a new closure; the refresher uses the latest.
  const latest = useRef(load);
  latest.current = load;

  useEffect(() => {
    if (name === undefined) return;
    const made = new Refresher<Value>(
      (signal) => latest.current(signal),
      {
        value: (value) => setLoaded({ name, value }),
        fault: (fault, againAtMs) =>
          setLoaded((last) => ({ ...(last?.name === name && last), name, fault: { fault, againAtMs } })),
      },
      gapMs,
    );
    refresher.current = made;
    return () => made.stop();
  }, [name, gapMs]);

  // `version` is not read, but is the reason to load.
  useEffect(() => {
    if (name !== undefined) refresher.current?.changed();
  }, [name, version]);

  const current = loaded !== undefined && loaded.name === name ? loaded : undefined;
  return { value: current?.value, fault: current?.fault, retry: () => refresher.current?.retry() };
}
