import { setTimeout as sleep } from 'node:timers/promises';
import { CountersError } from '@calltally/counters';
import { writeCheckpoint } from '@calltally/ledger';
import { partitionId, type Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { AssignmentEpoch, AssignmentEpochs } from './assignment-epochs.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { TopicAdmin, Watermarks } from './topic-admin.ts';

const EVERY_MS = 500;

interface Parts {
  store: Store;
  epochs: AssignmentEpochs;
  topic: TopicAdmin;
  held: HeldPartitions;
  metrics: IngestMetrics;
  logger: Logger;
}

/**
 * Asks the brokers twice a second how far the topic goes, and notes as of when the counters and the rows are complete.
 * Sees, also when there is nothing to count, that the topic or Mongo is no longer what counting began with.
 */
export class AsOfMonitor {
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#note();
      } catch (thrown) {
        // As-of stands still, which is the truth; those who count notice the fault by themselves.
        this.#parts.logger.debug({ err: thrown }, 'as-of cannot be noted at present');
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #note(): Promise<void> {
    const { epochs, topic, metrics, logger } = this.#parts;
    const askedAtMs = Date.now();
    const epoch = epochs.current;
    if (epoch === undefined) return;
    // Before anything is asked, since whatever it is compared with only grows meanwhile.
    const next = epoch.positions.all();
    const watermarks = await topic.watermarks();
    const change = await this.#changeSince(epoch, next, watermarks);
    if (change.length > 0) {
      logger.warn({ change }, 'starting a new assignment epoch');
      epochs.invalidate(epoch);
    }
    if (epochs.current !== epoch) return;
    const { positions } = epoch;
    positions.probed(askedAtMs, watermarks);
    for (const { partition, messages, seconds } of positions.lag(watermarks, askedAtMs)) {
      metrics.lagMessages.set({ partition }, messages);
      metrics.lagSeconds.set({ partition }, seconds);
    }
    await this.#noteComplete(epoch);
    await this.#parts.held.look(epoch, watermarks);
  }

  async #noteComplete(epoch: AssignmentEpoch): Promise<void> {
    const { ledger, stream, positions } = epoch;
    const complete = positions.complete();
    if (complete.length === 0) return;
    try {
      await Promise.all(complete.map((mark) => writeCheckpoint(ledger, { stream, ...mark })));
    } catch (thrown) {
      // With nothing to count nobody else would notice that Redis was emptied.
      if (thrown instanceof CountersError) this.#parts.epochs.invalidate(epoch);
      throw thrown;
    }
    const asOfMs = Math.min(...complete.map((mark) => mark.asOfMs));
    const partitions = complete.map(({ partition }) => partition);
    await ledger.store.progress.advanceAsOf(stream, partitions, asOfMs);
  }

  /** What tells that the topic or Mongo is no longer the one that counting began with. */
  async #changeSince(
    epoch: AssignmentEpoch,
    next: ReadonlyMap<number, number>,
    watermarks: ReadonlyMap<number, Watermarks>,
  ): Promise<string[]> {
    // Until they are known to as-of, it would speak for what nobody has read.
    const added = [...watermarks.keys()].filter((partition) => !epoch.partitions.has(partition));
    if (added.length > 0) return added.map((partition) => `partition ${partition} was added`);
    // While Mongo is away the counters' as-of goes on; who counts begins anew once it is back.
    const standing = await this.#parts.store.progress.streamAndStored().catch(() => undefined);
    if (standing === undefined) return [];
    const { stream, stored } = standing;
    if (stream !== epoch.stream) return [`stream ${stream} was begun`];
    return [...next].flatMap(([partition, offset]) => {
      const { earliest, end } = watermarks.get(partition) ?? { earliest: offset, end: offset };
      if (end < offset) return [`partition ${partition} ends at ${end}, below what was read`];
      const held = Math.max((stored.get(partitionId(epoch.stream, partition)) ?? -1) + 1, earliest);
      return held < offset ? [`Mongo has partition ${partition} only below ${held}`] : [];
    });
  }
}
