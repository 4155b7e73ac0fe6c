import type { Watermarks } from './topic.ts';

interface Position {
  /** Offset of the next event to be counted. */
  next: number;
  /** Timestamp of the last counted event, epoch ms. */
  lastTimestampMs: number | undefined;
  /** What the brokers said last, and when they were asked. */
  probe: { askedAtMs: number; end: number } | undefined;
}

/**
 * Where each assigned partition stands, and as of when it is complete. The brokers are asked for the end of the
 * partition at a known time; once everything below that end is counted, everything acknowledged by that time is.
 */
export class Positions {
  readonly #positions = new Map<number, Position>();

  /** @param starts for each assigned partition the offset it is read from */
  constructor(starts: ReadonlyMap<number, number>) {
    for (const [partition, next] of starts) {
      this.#positions.set(partition, { next, lastTimestampMs: undefined, probe: undefined });
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

  moved(partition: number, next: number, lastTimestampMs: number): void {
    const position = this.#positions.get(partition);
    if (position === undefined) return;
    position.next = next;
    position.lastTimestampMs = lastTimestampMs;
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
    for (const [partition, { next }] of this.#positions) {
      const asOfMs = this.asOf(partition, next);
      if (asOfMs !== undefined) complete.push({ partition, through: next - 1, asOfMs });
    }
    return complete;
  }

  /** Messages and seconds that a partition is behind. */
  lag(
    watermarks: ReadonlyMap<number, Watermarks>,
    nowMs: number,
  ): { partition: number; messages: number; seconds: number }[] {
    return [...this.#positions].map(([partition, { next, lastTimestampMs }]) => {
      const messages = Math.max(0, (watermarks.get(partition)?.end ?? next) - next);
      const seconds = messages === 0 ? 0 : Math.max(0, nowMs - (lastTimestampMs ?? nowMs)) / 1000;
      return { partition, messages, seconds };
    });
  }
}
