/** Why a partition does not go on, and since when (epoch ms). */
export interface HoldReason {
  code: string;
  sinceMs: number;
}

/** What was fetched of one partition and is not stored yet, in order. */
export class PartitionQueue {
  /** The offset that the next fetch starts at; undefined before the first one. */
  next: number | undefined;
  /** Why the in-flight batch is being retried. */
  failing: HoldReason | undefined;
  /** Whether no batch of this partition is in flight. */
  isIdle = true;
  #last: Promise<boolean> = Promise.resolve(true);
  #room: Promise<void> | undefined;

  /** Resolves, and never rejects, when another fetch may be pushed; undefined if one may be pushed now. */
  whenReady(): Promise<void> | undefined {
    return this.#room;
  }

  /**
   * Processes a fetch batch by batch: one is with the stores while the next one is parsed. Only if there is room, so
   * that at most one batch and one fetch of a partition are in memory.
   * @param next the offset behind the fetch
   * @param batches each is parsed when it is taken from here, and processed when it is called. A call never rejects. It
   *   resolves with false if the batch was given up; then nothing behind it begins
   */
  push(next: number, batches: Iterable<() => Promise<boolean>>): void {
    this.next = next;
    this.isIdle = false;
    let ready = () => {};
    this.#room = new Promise((resolve) => {
      ready = resolve;
    });
    const last = this.#process(this.#last, batches, () => {
      this.#room = undefined;
      ready();
    });
    this.#last = last;
    void last.then(() => {
      this.isIdle = this.#last === last;
    });
  }

  /** Resolves when nothing is in flight. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** @returns how the last batch ended */
  async #process(
    before: Promise<boolean>,
    batches: Iterable<() => Promise<boolean>>,
    onLastBegun: () => void,
  ): Promise<boolean> {
    let last = before;
    try {
      for (const begin of batches) {
        if (!(await last)) return false;
        last = begin();
      }
    } finally {
      onLastBegun();
    }
    return last;
  }
}

/** The queues of the assigned partitions. */
export class PartitionQueues {
  readonly #queues = new Map<number, PartitionQueue>();

  of(partition: number): PartitionQueue {
    let queue = this.#queues.get(partition);
    if (queue === undefined) {
      queue = new PartitionQueue();
      this.#queues.set(partition, queue);
    }
    return queue;
  }

  /** Resolves when nothing is in flight. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.settled()));
  }
}
