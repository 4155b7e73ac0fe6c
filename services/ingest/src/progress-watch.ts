/** What is under way by name, each with a text that changes whenever it makes progress. */
export type Work = ReadonlyMap<string, string>;

/**
 * Finds work that stands still although everything it needs answers: a fresh process might go on. While something that
 * it needs is away, work may stand still for ever. Times are those of one clock, in ms.
 */
export class ProgressWatch {
  readonly #limitMs: number;
  #standing = new Map<string, { state: string; sinceMs: number }>();
  #answeringSinceMs: number | undefined;

  /** @param limitMs how long work may stand still while everything answers */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Notes what is under way. @returns whether some of it is as it was at the last look */
  look(work: Work, nowMs: number): boolean {
    const before = this.#standing;
    this.#standing = new Map(
      [...work].map(([name, state]) => {
        const known = before.get(name);
        return [name, known?.state === state ? known : { state, sinceMs: nowMs }];
      }),
    );
    return [...this.#standing].some(([name, one]) => before.get(name) === one);
  }

  /** Notes whether everything answers. Until the next time this counts as true or false. */
  answered(doesAnswer: boolean, nowMs: number): void {
    if (!doesAnswer) this.#answeringSinceMs = undefined;
    else this.#answeringSinceMs ??= nowMs;
  }

  /** What has stood still for the limit while everything answered. */
  stuck(nowMs: number): string[] {
    const answeringSinceMs = this.#answeringSinceMs ?? Number.POSITIVE_INFINITY;
    return [...this.#standing]
      .filter(([, { sinceMs }]) => nowMs - Math.max(sinceMs, answeringSinceMs) >= this.#limitMs)
      .map(([name]) => name);
  }
}
