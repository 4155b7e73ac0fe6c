/** Offsets of one partition, `until` exclusive; infinite for one without an end. */
export interface OffsetRange {
  partition: number;
  from: number;
  until: number;
}

/** How far the spans of one partition are read. */
export class Cursor {
  readonly #spans: OffsetRange[];
  #next: number;

  /** @param spans of one partition, at least one, none of them empty or overlapping */
  constructor(spans: readonly OffsetRange[]) {
    this.#spans = spans.toSorted((a, b) => a.from - b.from);
    this.#next = this.#spans[0]!.from;
  }

  /** The offset to read next; undefined when all is read. */
  get next(): number | undefined {
    return this.#spans.length === 0 ? undefined : this.#next;
  }

  /** Whether the offset is asked for and was not read before. */
  wants(offset: number): boolean {
    return offset >= this.#next && this.#spans.some(({ from, until }) => offset >= from && offset < until);
  }

  /** What is asked for below `offset` and is not read yet. */
  unreadBelow(offset: number): OffsetRange[] {
    return this.#spans
      .map((span) => ({
        ...span,
        from: Math.max(span.from, this.#next),
        until: Math.min(span.until, offset),
      }))
      .filter(({ from, until }) => from < until);
  }

  /**
   * Everything below `offset` is read, or is not there.
   * @returns how many of the offsets asked for that settles
   */
  advance(offset: number): number {
    let settled = 0;
    for (let span = this.#spans[0]; span !== undefined && offset > this.#next; span = this.#spans[0]) {
      settled += Math.max(0, Math.min(offset, span.until) - Math.max(span.from, this.#next));
      if (offset < span.until) {
        this.#next = Math.max(offset, span.from);
        return settled;
      }
      this.#spans.shift();
    }
    this.#next = Math.max(this.#next, this.#spans[0]?.from ?? offset);
    return settled;
  }
}
