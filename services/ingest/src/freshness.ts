import { setTimeout as sleep } from 'node:timers/promises';
import { CountersError } from '@calltally/counters';
import { markCounted, markStored } from '@calltally/ledger';
import type { Logger } from '@calltally/telemetry';
import type { Counting } from './counting.ts';
import type { IngestMetrics } from './metrics.ts';
import type { TopicState } from './topic.ts';

const EVERY_MS = 500;

interface Parts {
  counting: Counting;
  topic: TopicState;
  metrics: IngestMetrics;
  logger: Logger;
}

/** Asks the brokers twice a second how far the topic goes, and notes as of when the counters and the rows are complete. */
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
    const { counting, topic, metrics } = this.#parts;
    const askedAtMs = Date.now();
    const watermarks = await topic.watermarks();
    const beginning = counting.current;
    if (beginning === undefined) return;
    const { books, stream, positions } = beginning;
    positions.probed(askedAtMs, watermarks);
    for (const { partition, messages, seconds } of positions.lag(watermarks, askedAtMs)) {
      metrics.lagMessages.set({ partition }, messages);
      metrics.lagSeconds.set({ partition }, seconds);
    }
    const complete = positions.complete();
    if (complete.length === 0) return;
    try {
      await Promise.all(complete.map((mark) => markCounted(books, { stream, ...mark })));
    } catch (thrown) {
      // With nothing to count nobody else would notice that Redis was emptied.
      if (thrown instanceof CountersError) counting.renew(beginning);
      throw thrown;
    }
    const asOfMs = Math.min(...complete.map((mark) => mark.asOfMs));
    await markStored(books.store, { stream, partitions: complete.map(({ partition }) => partition), asOfMs });
  }
}
