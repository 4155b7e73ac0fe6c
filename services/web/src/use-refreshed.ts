import { useEffect, useRef, useState } from 'preact/hooks';
import type { Fault } from './fault.ts';
import { Refresher } from './refresher.ts';

export interface Loaded<Value> {
  value: Value | undefined;
  /** Why it could not be loaded, or not loaded again; what was loaded before is still there. */
  fault: { fault: Fault; againAtMs: number } | undefined;
  retry(): void;
}

/**
 * Loads what `name` stands for, and again when `version` changes, at most every `gapMs`. What was loaded under another
 * name is not shown under this one.
 * @param name undefined while nothing is to be loaded
 */
export function useRefreshed<Value>(
  name: string | undefined,
  version: number,
  gapMs: number,
  load: (signal: AbortSignal) => Promise<Value>,
): Loaded<Value> {
  const [loaded, setLoaded] = useState<{ name: string; value?: Value; fault?: Loaded<Value>['fault'] }>();
  const refresher = useRef<Refresher<Value>>(undefined);
  // The latest one: what it closes over moves on with every rendering.
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

  // A new version is the reason to load.
  useEffect(() => {
    if (name !== undefined) refresher.current?.changed();
  }, [name, version]);

  const current = loaded !== undefined && loaded.name === name ? loaded : undefined;
  return { value: current?.value, fault: current?.fault, retry: () => refresher.current?.retry() };
}
