interface Request<Item, Answer> {
  items: readonly Item[];
  resolve(answers: Answer[]): void;
  reject(thrown: unknown): void;
}

interface BatcherOptions {
  /** A request of so many items goes at once, with those that wait. */
  flushAt?: number;
  /** Requests of one command. */
  requestsMax?: number;
  /** Commands under way at once; meanwhile requests wait and go together in the next one. */
  atOnceMax?: number;
}

/**
 * Answers concurrent requests with one command, which costs a server far more than the items in it. Requests of one
 * turn of the event loop go together, first come, first served; none waits for the next turn. A command that fails
 * fails for all its requests.
 */
export class Batcher<Item, Answer> {
  readonly #run: (items: Item[]) => Promise<Answer[]>;
  readonly #flushAt: number;
  readonly #requestsMax: number;
  #free: number;
  #waiting: Request<Item, Answer>[] = [];

  /** @param run answers items, in the order given */
  constructor(
    run: (items: Item[]) => Promise<Answer[]>,
    { flushAt = Infinity, requestsMax = Infinity, atOnceMax = Infinity }: BatcherOptions = {},
  ) {
    this.#run = run;
    this.#flushAt = flushAt;
    this.#requestsMax = requestsMax;
    this.#free = atOnceMax;
  }

  /** @returns an answer to each item, in the order given */
  ask(items: readonly Item[]): Promise<Answer[]> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ items, resolve, reject }) === 1) this.#flushSoon();
      if (items.length >= this.#flushAt) this.#flush();
    });
  }

  /** Behind every callback that is ready now, and before anything that comes from outside. */
  #flushSoon(): void {
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    while (this.#free > 0 && this.#waiting.length > 0) {
      void this.#answer(this.#waiting.splice(0, this.#requestsMax));
    }
  }

  async #answer(requests: readonly Request<Item, Answer>[]): Promise<void> {
    this.#free -= 1;
    try {
      const answers = await this.#run(requests.flatMap(({ items }) => items));
      let at = 0;
      for (const { items, resolve } of requests) {
        resolve(answers.slice(at, at + items.length));
        at += items.length;
      }
    } catch (thrown) {
      for (const { reject } of requests) reject(thrown);
    }
    this.#free += 1;
    if (this.#waiting.length > 0) this.#flushSoon();
  }
}
