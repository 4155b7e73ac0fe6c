/** Why a partition does not go on, and since when (epoch ms). */
export interface Held {
  code: string;
  sinceMs: number;
}

/** What the stores are at of one partition, and what comes behind it. Nothing overtakes anything. */
export class Lane {
  /** Offset of the event behind what was taken; undefined before the first batch. */
  next: number | undefined;
  /** Why the chunk in hand is being repeated. */
  failing: Held | undefined;
  /** Whether the stores have nothing of this partition in hand. */
  isIdle = true;
  #last: Promise<boolean> = Promise.resolve(true);
  #room: Promise<void> | undefined;

  /** Resolves when another batch may be taken, and never rejects; undefined where one may be taken now. */
  room(): Promise<void> | undefined {
    return this.#room;
  }

  /**
   * Works through a batch, chunk by chunk: one is with the stores while the next one is parsed. Only where
   * there is room, so that at most one chunk and one batch of a partition are in memory.
   * @param next offset of the event behind the batch
   * @param chunks each is parsed when it is asked for, and begun by what it gives; that never rejects, and resolves with
   *   false when the chunk was given up: nothing behind it is begun then
   */
  take(next: number, chunks: Iterable<() => Promise<boolean>>): void {
    this.next = next;
    const before = this.#last;
    const begun = beginAll(before, chunks).finally(() => {
      this.#room = undefined;
    });
    this.#room = begun.then(() => {});
    const last = begun.then((last) => last());
    this.#last = last;
    this.isIdle = false;
    void last.then(() => {
      this.isIdle = this.#last === last;
    });
  }

  /** Resolves when nothing is in hand. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }
}

/** Resolves when all chunks but the last are done and that one is begun. @returns how the last one ends */
async function beginAll(
  before: Promise<boolean>,
  chunks: Iterable<() => Promise<boolean>>,
): Promise<() => Promise<boolean>> {
  let last = before;
  for (const begin of chunks) {
    if (!(await last)) return async () => false;
    last = begin();
  }
  return () => last;
}

/** The lanes of the assigned partitions. */
export class Lanes {
  readonly #lanes = new Map<number, Lane>();

  of(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  /** Resolves when nothing is in hand. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()));
  }
}
