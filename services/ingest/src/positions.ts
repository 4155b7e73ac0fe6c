import type { Watermarks } from './topic-admin.ts';

interface Position {
  /** Offset of the next event to be counted. */
  next: number;
  /** As-of, epoch ms; the start of the epoch while it is unknown. */
  asOfMs: number;
  /** An end as the brokers told it, and when they were asked. */
  probe: { askedAtMs: number; end: number } | undefined;
}

/**
 * The next offset and as-of of each assigned partition. The brokers are asked for the end of a partition at a known
 * time. Once everything below that end is counted, so is everything that was acknowledged by that time.
 */
export class Positions {
  readonly #positions = new Map<number, Position>();

  /**
   * @param starts resume points of the assigned partitions
   * @param asOf of partitions that have one, epoch ms
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

  /** `next` of all partitions. */
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
      // Kept until its end is reached: as-of of a busy partition would never move on otherwise.
      const { probe, next } = position;
      if (probe === undefined || next >= probe.end) position.probe = { askedAtMs, end };
    }
  }

  /** The time by which everything acknowledged lies below `next`, epoch ms; undefined while it is unknown. */
  asOf(partition: number, next: number): number | undefined {
    const probe = this.#positions.get(partition)?.probe;
    return probe !== undefined && next >= probe.end ? probe.askedAtMs : undefined;
  }

  /** Checkpoints of the partitions that have reached the end of their probe. */
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

  /** For each partition how many messages are not counted yet, and the age of as-of if there are any. */
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
