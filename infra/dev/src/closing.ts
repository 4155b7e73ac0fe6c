/** Cleanup steps, run in reverse order. */
export class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Runs every step, even if others fail. @returns the errors */
  async run(): Promise<unknown[]> {
    const problems: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error) => problems.push(error));
    }
    return problems;
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const PARENT_POLL_MS = 500;
/** Longer than a clean shutdown takes. After it this process exits, and the guardians end whatever still runs. */
const PATIENCE_MS = 40_000;

/**
 * Aborts when this process should end: after a signal, or when the npm that started it is gone. A Ctrl-C can deliver
 * the signal twice, from the terminal and from npm.
 */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = (why: string) => {
    if (stopping.signal.aborted) return;
    stopping.abort(new Error(why));
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, () => stop(signal));
  // The terminal may close before this process ends.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => process.ppid !== parent && stop('npm is gone'), PARENT_POLL_MS).unref();
  }
  return stopping.signal;
}
