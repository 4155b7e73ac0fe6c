/** Sent by Ctrl-C, by a supervisor, and when the terminal closes. */
const SIGNALS = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Calls `listener` for each signal until the returned function is called. That function runs `next`, which must add its
 * own listeners before its first `await`, and then removes `listener`. A signal can be pending at that time, for
 * example after modules were loaded. The listeners of `next` receive it; without any listener, Node would drop it.
 *
 * @param {(signal: NodeJS.Signals) => void} listener
 * @returns {<T>(next: () => T) => T}
 */
export function listenToSignals(listener) {
  for (const signal of SIGNALS) process.on(signal, listener);
  return (next) => {
    const result = next();
    for (const signal of SIGNALS) process.off(signal, listener);
    return result;
  };
}
