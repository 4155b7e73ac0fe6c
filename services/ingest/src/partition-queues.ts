/** Why a partition does not go on, and since when (epoch ms). */
export interface HoldReason {
  code: string;
  sinceMs: number;
}

/** What the stores are at of one partition, and what comes behind it. Nothing overtakes anything. */
export class PartitionQueue {
  /** Offset of the event behind what was taken; undefined before the first fetch. */
  next: number | undefined;
  /** Why the in-flight batch is being repeated. */
  failing: HoldReason | undefined;
  /** Whether nothing of this partition is in flight. */
  isIdle = true;
  #last: Promise<boolean> = Promise.resolve(true);
  #room: Promise<void> | undefined;

  /** Resolves when another fetch may be pushed, and never rejects; undefined where one may be pushed now. */
  whenReady(): Promise<void> | undefined {
    return this.#room;
  }

  /**
   * Works through a fetch, batch by batch: one is with the stores while the next one is parsed. Only where there is
   * room, so that at most one batch and one fetch of a partition are in memory.
   * @param next offset of the event behind the fetch
   * @param batches each is parsed when it is asked for, and begun by what it gives; that never rejects, and resolves with
   *   false when the batch was given up: nothing behind it is begun then
   */
  push(next: number, batches: Iterable<() => Promise<boolean>>): void {
    this.next = next;
    const before = this.#last;
    const begun = beginAll(before, batches).finally(() => {
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

  /** Resolves when nothing is in flight. Never rejects. */
  async settled(): Promise<void> {
    await this.#last;
  }
}

/** Resolves when all batches but the last are done and that one is begun. @returns how the last one ends */
async function beginAll(
  before: Promise<boolean>,
  batches: Iterable<() => Promise<boolean>>,
): Promise<() => Promise<boolean>> {
  let last = before;
  for (const begin of batches) {
    if (!(await last)) return async () => false;
    last = begin();
  }
  return () => last;
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
