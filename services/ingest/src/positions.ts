import type { Watermarks } from './topic-admin.ts';

interface Position {
  /** Offset of the next event to be counted. */
  next: number;
  /** Everything acknowledged by then is counted, epoch ms; the start of the epoch where nobody has said yet. */
  asOfMs: number;
  /** What the brokers said last, and when they were asked. */
  probe: { askedAtMs: number; end: number } | undefined;
}

/**
 * Where each assigned partition stands, and as of when it is complete. The brokers are asked for the end of the
 * partition at a known time; once everything below that end is counted, everything acknowledged by that time is.
 */
export class Positions {
  readonly #positions = new Map<number, Position>();

  /**
   * @param starts for each assigned partition the offset it is read from
   * @param asOf for each partition of which it was said, as of when it was complete, epoch ms
   */
  constructor(starts: ReadonlyMap<number, number>, asOf: ReadonlyMap<number, number>, nowMs: number) {
    for (const [partition, next] of starts) {
      this.#positions.set(partition, { next, asOfMs: asOf.get(partition) ?? nowMs, probe: undefined });
    }
  }

  /** Offset of the next event to be counted. */
  next(partition: number): number | undefined {
    return this.#positions.get(partition)?.next;
  }

  /** Offset of the next event of every assigned partition that is read. */
  all(): Map<number, number> {
    return new Map([...this.#positions].map(([partition, { next }]) => [partition, next]));
  }

  moved(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (position !== undefined) position.next = next;
  }

  /** @param askedAtMs when the brokers were asked, before the request was sent */
  probed(askedAtMs: number, watermarks: ReadonlyMap<number, Watermarks>): void {
    for (const [partition, position] of this.#positions) {
      const end = watermarks.get(partition)?.end;
      if (end === undefined) continue;
      // An unanswered probe stays until its end is reached, or as-of would run away from a busy partition.
      const { probe, next } = position;
      if (probe === undefined || next >= probe.end) position.probe = { askedAtMs, end };
    }
  }

  /** Epoch ms by which everything acknowledged lies below `next`; undefined while it is not known. */
  asOf(partition: number, next: number): number | undefined {
    const probe = this.#positions.get(partition)?.probe;
    return probe !== undefined && next >= probe.end ? probe.askedAtMs : undefined;
  }

  /** Partitions that have nothing left below their last probe. */
  complete(): { partition: number; through: number; asOfMs: number }[] {
    const complete: { partition: number; through: number; asOfMs: number }[] = [];
    for (const [partition, position] of this.#positions) {
      const asOfMs = this.asOf(partition, position.next);
      if (asOfMs === undefined) continue;
      position.asOfMs = Math.max(position.asOfMs, asOfMs);
      complete.push({ partition, through: position.next - 1, asOfMs });
    }
    return complete;
  }

  /** Messages that a partition is behind, and seconds since everything acknowledged was counted. */
  lag(
    watermarks: ReadonlyMap<number, Watermarks>,
    nowMs: number,
  ): { partition: number; messages: number; seconds: number }[] {
    return [...this.#positions].map(([partition, { next, asOfMs }]) => {
      const messages = Math.max(0, (watermarks.get(partition)?.end ?? next) - next);
      const seconds = messages === 0 ? 0 : Math.max(0, nowMs - asOfMs) / 1000;
      return { partition, messages, seconds };
    });
  }
}
