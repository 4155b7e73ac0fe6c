/** What ends this process: Ctrl-C, a supervisor, a terminal that is closed. */
const SIGNALS = /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * Calls `listener` for each signal from now on, until the returned function is called. That one runs `next`, which has
 * to listen by itself before its first `await`, and only then lets go: a signal that has come and is not told yet, as
 * while modules are loaded, is told to whoever listens next. Were nobody to listen in between, Node would drop it.
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
