/** Steps that undo what was begun, the last one first. */
export class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Every step is tried. @returns what went wrong */
  async run(): Promise<unknown[]> {
    const problems: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error) => problems.push(error));
    }
    return problems;
  }
}
