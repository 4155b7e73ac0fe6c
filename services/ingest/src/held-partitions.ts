import type { Beginning } from './counting.ts';
import type { Held } from './lanes.ts';
import type { IngestMetrics } from './metrics.ts';
import type { TopicState, Watermarks } from './topic.ts';

/** Longer than a batch, an ordinary transaction or a rebalance takes. */
const STANDS_AFTER_MS = 5_000;

interface Parts {
  topic: TopicState;
  metrics: IngestMetrics;
}

/**
 * Knows which partitions do not go on, and why: a metric tells it, `/readyz` does, and Mongo, where `calltally lag`
 * finds it. All other partitions go on meanwhile.
 */
export class HeldPartitions {
  readonly #parts: Parts;
  #beginning: Beginning | undefined;
  /** Where each partition stands, and since when. */
  #standing = new Map<number, { next: number; sinceMs: number }>();
  readonly #unfetched = new Map<number, Held>();
  #held = new Map<number, Held>();
  /** What was last told to Mongo; undefined until something was. */
  #told: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Partitions that stand at present. */
  get current(): ReadonlyMap<number, Held> {
    return this.#held;
  }

  /** The brokers could not give what was asked for of a partition. @param code names their error */
  fetchFailed(partition: number, code: string): void {
    const nowMs = Date.now();
    this.#unfetched.set(partition, { code, sinceMs: nowMs });
  }

  /** @throws StoreError, errors of kafkajs */
  async look(beginning: Beginning, watermarks: ReadonlyMap<number, Watermarks>): Promise<void> {
    if (this.#beginning !== beginning) {
      this.#beginning = beginning;
      this.#standing.clear();
      this.#told = undefined;
    }
    this.#held = await this.#find(beginning, watermarks);
    const { held } = this.#parts.metrics;
    held.reset();
    for (const [partition, { code }] of this.#held) held.set({ partition, code }, 1);
    await this.#tell(beginning);
  }

  async #find(
    { positions, lanes }: Beginning,
    watermarks: ReadonlyMap<number, Watermarks>,
  ): Promise<Map<number, Held>> {
    const nowMs = Date.now();
    const found = new Map<number, Held>();
    let lastStable: Map<number, number> | undefined;
    for (const [partition, next] of positions.all()) {
      const { failing, isIdle } = lanes.of(partition);
      const sinceMs = this.#standsSince(partition, next, nowMs);
      if (failing !== undefined) found.set(partition, failing);
      if (failing !== undefined || next >= (watermarks.get(partition)?.end ?? next)) continue;
      if (nowMs - sinceMs < STANDS_AFTER_MS) continue;
      lastStable ??= await this.#parts.topic.lastStable();
      if (!isIdle) found.set(partition, { code: 'INGEST_STORES_SLOW', sinceMs });
      else if (next >= (lastStable.get(partition) ?? 0)) {
        found.set(partition, { code: 'KAFKA_TRANSACTION_OPEN', sinceMs });
      } else found.set(partition, { code: this.#whyUnfetched(partition, nowMs), sinceMs });
    }
    return found;
  }

  #standsSince(partition: number, next: number, nowMs: number): number {
    const before = this.#standing.get(partition);
    if (before?.next === next) return before.sinceMs;
    this.#standing.set(partition, { next, sinceMs: nowMs });
    return nowMs;
  }

  #whyUnfetched(partition: number, nowMs: number): string {
    const failure = this.#unfetched.get(partition);
    const isRecent = failure !== undefined && nowMs - failure.sinceMs < STANDS_AFTER_MS;
    return isRecent ? `KAFKA_${failure.code}` : 'KAFKA_NOT_FETCHED';
  }

  /** Mongo is told where something changed, and of each beginning once: who counted before may have left a word there. */
  async #tell({ books, stream, positions }: Beginning): Promise<void> {
    const held = [...positions.all().keys()].map(
      (partition) => [partition, this.#held.get(partition)] as const,
    );
    const text = JSON.stringify(held.map(([partition, one]) => [partition, one?.code]));
    if (text === this.#told) return;
    await books.store.progress.noteHeld(stream, new Map(held));
    this.#told = text;
  }
}
