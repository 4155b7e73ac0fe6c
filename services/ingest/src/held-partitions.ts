import type { AssignmentEpoch } from './assignment-epochs.ts';
import type { IngestMetrics } from './metrics.ts';
import type { HoldReason } from './partition-queues.ts';
import type { TopicAdmin, Watermarks } from './topic-admin.ts';

/** The code of a partition that has more to read, which the fetches do not bring. */
export const NOT_FETCHED = 'KAFKA_NOT_FETCHED';
/** Longer than a batch, an ordinary transaction or a rebalance takes. */
const HELD_AFTER_MS = 5_000;

interface Parts {
  topic: TopicAdmin;
  metrics: IngestMetrics;
}

/** Finds held partitions and the reason. Told by a metric, by `/readyz`, and in Mongo, where `calltally lag` reads it. */
export class HeldPartitions {
  readonly #parts: Parts;
  #epoch: AssignmentEpoch | undefined;
  /** The next offset of each partition, and since when it is the same. */
  readonly #standing = new Map<number, { next: number; sinceMs: number }>();
  /** The latest failure of each partition. */
  readonly #failures = new Map<number, HoldReason>();
  #held = new Map<number, HoldReason>();
  /** What was last written to Mongo in this epoch. */
  #told: string | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get current(): ReadonlyMap<number, HoldReason> {
    return this.#held;
  }

  /** Notes a failure of a partition, which does not mean that the partition is held. */
  failed(partition: number, code: string): void {
    this.#failures.set(partition, { code, sinceMs: Date.now() });
  }

  /** When a partition last failed, epoch ms; undefined if it never did. */
  lastFailureMs(partition: number): number | undefined {
    return this.#failures.get(partition)?.sinceMs;
  }

  /** @throws StoreError, errors of kafkajs */
  async look(epoch: AssignmentEpoch, watermarks: ReadonlyMap<number, Watermarks>): Promise<void> {
    if (this.#epoch !== epoch) {
      this.#epoch = epoch;
      this.#told = undefined;
    }
    this.#held = await this.#find(epoch, watermarks);
    const { held } = this.#parts.metrics;
    held.reset();
    for (const [partition, { code }] of this.#held) held.set({ partition, code }, 1);
    await this.#tell(epoch);
  }

  async #find(
    { positions, queues }: AssignmentEpoch,
    watermarks: ReadonlyMap<number, Watermarks>,
  ): Promise<Map<number, HoldReason>> {
    const nowMs = Date.now();
    const found = new Map<number, HoldReason>();
    let lastStable: Map<number, number> | undefined;
    const all = positions.all();
    for (const [partition, next] of all) {
      const { failing, isIdle } = queues.of(partition);
      const sinceMs = this.#standsSince(partition, next, nowMs);
      if (failing !== undefined) found.set(partition, failing);
      if (failing !== undefined || next >= (watermarks.get(partition)?.end ?? next)) continue;
      if (nowMs - sinceMs < HELD_AFTER_MS) continue;
      // Noted here, since another epoch may have started: its queue does not know the failure.
      let code = this.#recentFailure(partition, nowMs);
      if (code === undefined && !isIdle) code = 'INGEST_STORES_SLOW';
      if (code === undefined) {
        lastStable ??= await this.#parts.topic.lastStable([...all.keys()]);
        code = next >= (lastStable.get(partition) ?? 0) ? 'KAFKA_TRANSACTION_OPEN' : NOT_FETCHED;
      }
      found.set(partition, { code, sinceMs });
    }
    return found;
  }

  #standsSince(partition: number, next: number, nowMs: number): number {
    const before = this.#standing.get(partition);
    if (before?.next === next) return before.sinceMs;
    this.#standing.set(partition, { next, sinceMs: nowMs });
    return nowMs;
  }

  #recentFailure(partition: number, nowMs: number): string | undefined {
    const failure = this.#failures.get(partition);
    return failure !== undefined && nowMs - failure.sinceMs < HELD_AFTER_MS ? failure.code : undefined;
  }

  /** Writes to Mongo what has changed, and everything once in each epoch: an earlier member may have left notes. */
  async #tell({ ledger, stream, positions }: AssignmentEpoch): Promise<void> {
    const held = [...positions.all().keys()].map(
      (partition) => [partition, this.#held.get(partition)] as const,
    );
    const text = JSON.stringify(held.map(([partition, one]) => [partition, one?.code]));
    if (text === this.#told) return;
    await ledger.store.progress.noteHeld(stream, new Map(held));
    this.#told = text;
  }
}
