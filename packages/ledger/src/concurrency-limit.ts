/** Runs so much work at once and refuses the rest at once, so that nobody waits who could not be served in time. */
export class ConcurrencyLimit {
  readonly #atOnceMax: number;
  readonly #refusal: () => Error;
  #underWay = 0;
  #refused = 0;

  constructor(atOnceMax: number, refusal: () => Error) {
    this.#atOnceMax = atOnceMax;
    this.#refusal = refusal;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** How often work was refused so far. */
  get refused(): number {
    return this.#refused;
  }

  /** @throws what `refusal` makes if the limit is reached, and whatever the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#atOnceMax) {
      this.#refused += 1;
      throw this.#refusal();
    }
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }
}
