/** The rows of a group of users that are worked on together. */
export interface GroupRows {
  /** Rows were added up. */
  add(rows: number): void;
  /** Rows are to be added up again, since counters differ. */
  again(rows: number): void;
  /** All rows are done, also those that others have filled meanwhile. */
  finish(): void;
  /** All rows are done, and so are those of every group before this one. */
  close(): void;
}

/** How many rows are added up, of an estimated total, while groups are worked on concurrently. Never decreases. */
export class RowsDone {
  readonly #estimated: number;
  readonly #least: number;
  readonly #groups = new Set<{ added: number; of: number; again: number }>();
  #closed: number;
  #closedAgain: number;

  /**
   * @param estimated about how many rows there are
   * @param earlier what an earlier run has done: `rows` of finished users, `calls` without the rows that were added up
   *   again, and `ahead`, the rows of unfinished users, who are started again
   */
  constructor(estimated: number, earlier: { calls: number; rows: number; ahead: number }) {
    this.#estimated = estimated;
    this.#closed = earlier.rows;
    this.#closedAgain = earlier.rows - earlier.calls;
    this.#least = earlier.rows + earlier.ahead;
  }

  /** @param calls rows of the users of the group */
  begin(calls: number): GroupRows {
    const group = { added: 0, of: calls, again: 0 };
    this.#groups.add(group);
    return {
      add: (rows) => {
        group.added = Math.min(group.added + rows, group.of);
      },
      again: (rows) => {
        group.of += rows;
        group.again += rows;
      },
      finish: () => {
        group.added = group.of;
      },
      close: () => {
        this.#groups.delete(group);
        this.#closed += group.of;
        this.#closedAgain += group.again;
      },
    };
  }

  /** Rows of closed groups. */
  get closed(): number {
    return this.#closed;
  }

  get done(): number {
    let done = this.#closed;
    for (const { added } of this.#groups) done += added;
    return Math.max(done, this.#least);
  }

  get of(): number {
    let of = this.#estimated + this.#closedAgain;
    for (const { again } of this.#groups) of += again;
    return Math.max(of, this.done);
  }
}
