import type { Watermarks } from './topic-admin.ts';

interface Position {
  /** Offset of the next event to be counted. */
  next: number;
  /** As-of, epoch ms; the start of the epoch while it is unknown. */
  asOfMs: number;
  /** An end as the brokers told it, and when they were asked; until it is reached. */
  probe: { askedAtMs: number; end: number } | undefined;
  /** When the brokers were asked for the latest end that was reached, until somebody takes it. */
  reachedMs: number | undefined;
}

/**
 * The next offset and as-of of each assigned partition. The brokers are asked for the end of a partition at a known
 * time. Once everything below that end is counted, so is everything that was acknowledged by that time.
 */
export class Positions {
  readonly #positions = new Map<number, Position>();
  #onCaughtUp: (() => void) | undefined;

  /**
   * @param starts resume points of the assigned partitions
   * @param asOf of partitions that have one, epoch ms
   * @param before of an earlier epoch of the same topic: what the brokers told then is still true
   */
  constructor(
    starts: ReadonlyMap<number, number>,
    asOf: ReadonlyMap<number, number>,
    nowMs: number,
    before?: Positions,
  ) {
    for (const [partition, next] of starts) {
      this.#positions.set(partition, {
        next,
        asOfMs: asOf.get(partition) ?? nowMs,
        probe: before?.probeOf(partition),
        reachedMs: undefined,
      });
    }
    for (const position of this.#positions.values()) this.#noteReached(position);
  }

  /** Offset of the next event to be counted. */
  next(partition: number): number | undefined {
    return this.#positions.get(partition)?.next;
  }

  /** What the brokers told last, until its end is reached. */
  probeOf(partition: number): Position['probe'] {
    return this.#positions.get(partition)?.probe;
  }

  /** `next` of all partitions. */
  all(): Map<number, number> {
    return new Map([...this.#positions].map(([partition, { next }]) => [partition, next]));
  }

  moved(partition: number, next: number): void {
    const position = this.#positions.get(partition);
    if (position === undefined) return;
    position.next = next;
    this.#noteReached(position);
    this.#tellCaughtUp();
  }

  /** @param askedAtMs when the brokers were asked, before the request was sent */
  probed(askedAtMs: number, watermarks: ReadonlyMap<number, Watermarks>): void {
    for (const [partition, position] of this.#positions) {
      const end = watermarks.get(partition)?.end;
      // The one before is kept until its end is reached: as-of of a busy partition would never move on otherwise.
      if (end === undefined || position.probe !== undefined) continue;
      position.probe = { askedAtMs, end };
      this.#noteReached(position);
    }
    this.#tellCaughtUp();
  }

  /** Resolves when every partition has reached the end that the brokers told. */
  caughtUp(): Promise<void> {
    return new Promise((resolve) => {
      this.#onCaughtUp = resolve;
      this.#tellCaughtUp();
    });
  }

  /** As-of of the partitions that have reached another end since this was asked, epoch ms. */
  takeReached(): Map<number, number> {
    const reached = new Map<number, number>();
    for (const [partition, position] of this.#positions) {
      if (position.reachedMs !== undefined) reached.set(partition, position.reachedMs);
      position.reachedMs = undefined;
    }
    return reached;
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

  #noteReached(position: Position): void {
    const { probe, next } = position;
    if (probe === undefined || next < probe.end) return;
    position.asOfMs = Math.max(position.asOfMs, probe.askedAtMs);
    position.reachedMs = probe.askedAtMs;
    position.probe = undefined;
  }

  #tellCaughtUp(): void {
    if (this.#onCaughtUp === undefined) return;
    for (const { probe } of this.#positions.values()) if (probe !== undefined) return;
    this.#onCaughtUp();
    this.#onCaughtUp = undefined;
  }
}
