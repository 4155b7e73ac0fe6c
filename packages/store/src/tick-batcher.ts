interface Request<Given, Answer> {
  given: readonly Given[];
  resolve(answers: Answer[]): void;
  reject(thrown: unknown): void;
}

/**
 * Lets one command do what is asked for side by side, since a command costs a server far more than what is in it: the
 * partitions of one fetch reach Mongo at the same moment, with a few events each. Requests of one turn of the event
 * loop go together, and none of them waits for the next turn. What fails, fails for all of them.
 */
export class TickBatcher<Given, Answer> {
  readonly #run: (given: Given[]) => Promise<Answer[]>;
  readonly #flushAt: number;
  #requests: Request<Given, Answer>[] = [];

  /**
   * @param run answers what is asked, in the order given
   * @param flushAt a request of so much is large enough to go at once, with those that wait for it
   */
  constructor(run: (given: Given[]) => Promise<Answer[]>, flushAt = Infinity) {
    this.#run = run;
    this.#flushAt = flushAt;
  }

  /** @returns an answer to each, in the order given */
  ask(given: readonly Given[]): Promise<Answer[]> {
    return new Promise((resolve, reject) => {
      // Behind every callback that is ready now, and before anything that comes from outside.
      if (this.#requests.push({ given, resolve, reject }) === 1) process.nextTick(() => void this.#go());
      if (given.length >= this.#flushAt) void this.#go();
    });
  }

  async #go(): Promise<void> {
    const requests = this.#requests;
    if (requests.length === 0) return;
    this.#requests = [];
    try {
      const answers = await this.#run(requests.flatMap(({ given }) => given));
      let at = 0;
      for (const { given, resolve } of requests) {
        resolve(answers.slice(at, at + given.length));
        at += given.length;
      }
    } catch (thrown) {
      for (const { reject } of requests) reject(thrown);
    }
  }
}
