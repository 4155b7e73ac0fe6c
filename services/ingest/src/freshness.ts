import { setTimeout as sleep } from 'node:timers/promises';
import { CountersError } from '@calltally/counters';
import { markCounted, markStored } from '@calltally/ledger';
import { cutKey, type Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import type { Beginning, Counting } from './counting.ts';
import type { HeldPartitions } from './held-partitions.ts';
import type { IngestMetrics } from './metrics.ts';
import type { TopicState, Watermarks } from './topic.ts';

const EVERY_MS = 500;

interface Parts {
  store: Store;
  counting: Counting;
  topic: TopicState;
  held: HeldPartitions;
  metrics: IngestMetrics;
  logger: Logger;
}

/**
 * Asks the brokers twice a second how far the topic goes, and notes as of when the counters and the rows are complete.
 * Sees, also when there is nothing to count, that the topic or Mongo is no longer what counting began with.
 */
export class Freshness {
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
    const { counting, topic, metrics, logger } = this.#parts;
    const askedAtMs = Date.now();
    const beginning = counting.current;
    if (beginning === undefined) return;
    // Before anything is asked, since whatever it is compared with only grows meanwhile.
    const next = beginning.positions.all();
    const watermarks = await topic.watermarks();
    const change = await this.#changeSince(beginning, next, watermarks);
    if (change.length > 0) {
      logger.warn({ change }, 'counting begins anew');
      counting.renew(beginning);
    }
    if (counting.current !== beginning) return;
    const { positions } = beginning;
    positions.probed(askedAtMs, watermarks);
    for (const { partition, messages, seconds } of positions.lag(watermarks, askedAtMs)) {
      metrics.lagMessages.set({ partition }, messages);
      metrics.lagSeconds.set({ partition }, seconds);
    }
    await this.#noteComplete(beginning);
    await this.#parts.held.look(beginning, watermarks);
  }

  async #noteComplete(beginning: Beginning): Promise<void> {
    const { books, stream, positions } = beginning;
    const complete = positions.complete();
    if (complete.length === 0) return;
    try {
      await Promise.all(complete.map((mark) => markCounted(books, { stream, ...mark })));
    } catch (thrown) {
      // With nothing to count nobody else would notice that Redis was emptied.
      if (thrown instanceof CountersError) this.#parts.counting.renew(beginning);
      throw thrown;
    }
    const asOfMs = Math.min(...complete.map((mark) => mark.asOfMs));
    await markStored(books.store, { stream, partitions: complete.map(({ partition }) => partition), asOfMs });
  }

  /** What tells that the topic or Mongo is no longer the one that counting began with. */
  async #changeSince(
    beginning: Beginning,
    next: ReadonlyMap<number, number>,
    watermarks: ReadonlyMap<number, Watermarks>,
  ): Promise<string[]> {
    // Until they are known to as-of, it would speak for what nobody has read.
    const added = [...watermarks.keys()].filter((partition) => !beginning.partitions.has(partition));
    if (added.length > 0) return added.map((partition) => `partition ${partition} was added`);
    // While Mongo is away the counters' as-of goes on; who counts begins anew once it is back.
    const standing = await this.#parts.store.progress.standing().catch(() => undefined);
    if (standing === undefined) return [];
    const { stream, stored } = standing;
    if (stream !== beginning.stream) return [`stream ${stream} was begun`];
    return [...next].flatMap(([partition, offset]) => {
      const { earliest, end } = watermarks.get(partition) ?? { earliest: offset, end: offset };
      if (end < offset) return [`partition ${partition} ends at ${end}, below what was read`];
      const held = Math.max((stored.get(cutKey(beginning.stream, partition)) ?? -1) + 1, earliest);
      return held < offset ? [`Mongo has partition ${partition} only below ${held}`] : [];
    });
  }
}
