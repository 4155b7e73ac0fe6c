/** Offsets of one partition. `until` is exclusive, and infinite for a range without an end. */
export interface OffsetRange {
  partition: number;
  from: number;
  until: number;
}

/** How far some ranges of one partition are read. */
export class Cursor {
  readonly #ranges: OffsetRange[];
  #next: number;

  /** @param ranges of one partition, at least one, none of them empty or overlapping */
  constructor(ranges: readonly OffsetRange[]) {
    this.#ranges = ranges.toSorted((a, b) => a.from - b.from);
    this.#next = this.#ranges[0]!.from;
  }

  /** The offset to read next; undefined when all is read. */
  get next(): number | undefined {
    return this.#ranges.length === 0 ? undefined : this.#next;
  }

  /** Whether the offset was asked for and is not read yet. */
  wants(offset: number): boolean {
    return offset >= this.#next && this.#ranges.some(({ from, until }) => offset >= from && offset < until);
  }

  /** What was asked for below `offset` and is not read yet. */
  unreadBelow(offset: number): OffsetRange[] {
    return this.#ranges
      .map((range) => ({
        ...range,
        from: Math.max(range.from, this.#next),
        until: Math.min(range.until, offset),
      }))
      .filter(({ from, until }) => from < until);
  }

  /**
   * Notes that everything below `offset` is read, or does not exist.
   * @returns how many of the offsets asked for were settled by it
   */
  advance(offset: number): number {
    let settled = 0;
    for (let range = this.#ranges[0]; range !== undefined && offset > this.#next; range = this.#ranges[0]) {
      settled += Math.max(0, Math.min(offset, range.until) - Math.max(range.from, this.#next));
      if (offset < range.until) {
        this.#next = Math.max(offset, range.from);
        return settled;
      }
      this.#ranges.shift();
    }
    this.#next = Math.max(this.#next, this.#ranges[0]?.from ?? offset);
    return settled;
  }
}

/** The same offsets in as few ranges as possible, in order. */
export function unionOf(ranges: readonly OffsetRange[]): OffsetRange[] {
  const union: OffsetRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.partition - b.partition || a.from - b.from)) {
    const last = union.at(-1);
    if (last?.partition === range.partition && range.from <= last.until) {
      last.until = Math.max(last.until, range.until);
    } else union.push({ ...range });
  }
  return union;
}
