import type { ClientError } from '@calltally/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { kindOf } from './faults.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

interface Refreshed<Value> {
  value(value: Value): void;
  /** It is tried again at `againAtMs` (epoch ms). */
  fault(error: ClientError, againAtMs: number): void;
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
      const error = thrown as ClientError;
      this.#failures += 1;
      this.#restUntilMs = Date.now() + Math.max(error.retryAfterMs ?? 0, backoffMs(this.#failures));
      this.#changed = !['refused', 'invalid'].includes(kindOf(error));
      this.#tell.fault(error, this.#restUntilMs);
    } finally {
      this.#loading = false;
      if (this.#changed) this.#schedule();
    }
  }
}

/** The pause after `failures` loads in a row. Half of it is random, so that pages do not all ask at the same moment. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const fullMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  return Math.round(fullMs * (0.5 + random() / 2));
}

export interface Loaded<Value> {
  value: Value | undefined;
  /** Why the last load failed. An earlier value is kept. */
  fault: { error: ClientError; againAtMs: number } | undefined;
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
        fault: (error, againAtMs) =>
          setLoaded((last) => ({ ...(last?.name === name && last), name, fault: { error, againAtMs } })),
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
