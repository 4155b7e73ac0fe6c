interface Request<Given, Answer> {
  given: Given;
  resolve(answer: Answer): void;
  reject(thrown: unknown): void;
}

/**
 * Lets one command do what is asked for side by side, since a command costs a server far more than what is in it: the
 * partitions of one fetch reach Mongo at the same moment, with a few events each. Requests of one turn of the event
 * loop go together, and none of them waits for the next turn. What fails, fails for all of them.
 */
export class TickBatcher<Given, Answer> {
  readonly #run: (given: Given[]) => Promise<Answer[]>;
  readonly #isEnough: (given: Given) => boolean;
  #requests: Request<Given, Answer>[] = [];

  /**
   * @param run answers requests, in the order given
   * @param isEnough whether a request is large enough to go at once, with those that wait for it
   */
  constructor(run: (given: Given[]) => Promise<Answer[]>, isEnough: (given: Given) => boolean = () => false) {
    this.#run = run;
    this.#isEnough = isEnough;
  }

  ask(given: Given): Promise<Answer> {
    return new Promise((resolve, reject) => {
      // Behind every callback that is ready now, and before anything that comes from outside.
      if (this.#requests.push({ given, resolve, reject }) === 1) process.nextTick(() => void this.#go());
      if (this.#isEnough(given)) void this.#go();
    });
  }

  async #go(): Promise<void> {
    const requests = this.#requests;
    if (requests.length === 0) return;
    this.#requests = [];
    try {
      const answers = await this.#run(requests.map(({ given }) => given));
      for (const [i, { resolve }] of requests.entries()) resolve(answers[i]!);
    } catch (thrown) {
      for (const { reject } of requests) reject(thrown);
    }
  }
}
