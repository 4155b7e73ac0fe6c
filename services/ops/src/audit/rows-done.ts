/** Rows of some users that are worked on together. */
export interface GroupRows {
  /** So many more were added up. */
  add(rows: number): void;
  /** So many are to be added up once more, since counters differ. */
  again(rows: number): void;
  /** All are done, those that others have filled in meanwhile, too. */
  finish(): void;
  /** So are those of every group before this one. */
  close(): void;
}

/** How many rows are added up, of about how many, while groups of users are worked on side by side. Only grows. */
export class RowsDone {
  readonly #estimated: number;
  readonly #least: number;
  readonly #groups = new Set<{ added: number; of: number; again: number }>();
  #closed: number;
  #closedAgain: number;

  /**
   * @param estimated about how many rows there are
   * @param earlier what an earlier run has done: `rows` are those of its finished users, `calls` the same without those
   *   that were added up again, `ahead` those of users that it had begun, which are begun once more
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

  /** Those of groups that are closed. */
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
