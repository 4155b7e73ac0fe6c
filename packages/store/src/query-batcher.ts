interface Request<Given, Answer> {
  given: Given;
  resolve(answer: Answer): void;
  reject(thrown: unknown): void;
}

/**
 * Answers requests by a few queries at once, each for all that waited by then. One that comes alone goes at once, and
 * however many come, the server has no more queries to answer. First come, first served.
 */
export class QueryBatcher<Given, Answer> {
  readonly #run: (given: Given[]) => Promise<Answer[]>;
  readonly #sizeMax: number;
  #free: number;
  #waiting: Request<Given, Answer>[] = [];

  /**
   * @param run answers requests, in the order given; what fails, fails for all of them
   * @param limits requests of one query, and queries at once
   */
  constructor(
    run: (given: Given[]) => Promise<Answer[]>,
    { sizeMax, atOnceMax }: { sizeMax: number; atOnceMax: number },
  ) {
    this.#run = run;
    this.#sizeMax = sizeMax;
    this.#free = atOnceMax;
  }

  ask(given: Given): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ given, resolve, reject });
      // Behind every request that comes in by the same turn.
      process.nextTick(() => void this.#go());
    });
  }

  async #go(): Promise<void> {
    if (this.#free === 0) return;
    this.#free -= 1;
    while (this.#waiting.length > 0) {
      const requests = this.#waiting.splice(0, this.#sizeMax);
      try {
        const answers = await this.#run(requests.map(({ given }) => given));
        for (const [i, { resolve }] of requests.entries()) resolve(answers[i]!);
      } catch (thrown) {
        for (const { reject } of requests) reject(thrown);
      }
    }
    this.#free += 1;
  }
}
