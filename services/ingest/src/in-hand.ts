interface Lane {
  /** Offset of the event behind the last chunk that was begun. */
  next: number;
  done: Promise<boolean>;
}

/**
 * The chunk of each partition that the stores are at, while the consumer fetches and parses what follows it. One at a
 * time: the next one of a partition begins when the one before it is marked, and nothing overtakes anything.
 */
export class InHand {
  readonly #lanes = new Map<number, Lane>();

  /** Offset of the event behind what was begun of a partition; undefined before the first chunk. */
  next(partition: number): number | undefined {
    return this.#lanes.get(partition)?.next;
  }

  /** Begins a chunk; only when the one before it is done. @param work resolves with false when the chunk was given up */
  begin(partition: number, next: number, work: () => Promise<boolean>): void {
    const done = work();
    // Whoever comes next is told; there may be nobody.
    done.catch(() => {});
    this.#lanes.set(partition, { next, done });
  }

  /**
   * Resolves when the chunk in hand is done, with false when it was given up: nothing behind it may be begun.
   * @throws what its work threw, once: then nothing counts as begun, and the chunk may be tried again
   */
  async done(partition: number): Promise<boolean> {
    const lane = this.#lanes.get(partition);
    try {
      return (await lane?.done) ?? true;
    } catch (thrown) {
      // Told again and again, one fault would stop the chunk that is fetched again before it is tried.
      if (this.#lanes.get(partition) === lane) this.#lanes.delete(partition);
      throw thrown;
    }
  }

  /** Resolves when nothing is in hand. Never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#lanes.values()].map(({ done }) => done));
  }
}
