/** Steps that undo what was begun, the last one first. */
export class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Every step is tried. @returns what went wrong */
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
/** Longer than everything takes to end in order; what is left then, its guardians end. */
const PATIENCE_MS = 40_000;

/**
 * Aborts when this process is to end: by a signal, which a Ctrl-C may well deliver twice (from the terminal and
 * from npm), or because npm, which started it, is gone.
 */
export function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  const stop = (why: string) => {
    if (stopping.signal.aborted) return;
    stopping.abort(new Error(why));
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, () => stop(signal));
  // The terminal may be gone before we are.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== undefined) {
    setInterval(() => process.ppid !== parent && stop('npm is gone'), PARENT_POLL_MS).unref();
  }
  return stopping.signal;
}
