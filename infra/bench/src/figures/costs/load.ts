import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@calltally/stack';
import type { Bench } from '../../bench.ts';
import { engineCpuSeconds } from '../../cpu-time.ts';
import { kafka, mongo } from '../../engines.ts';
import type { NodeProcess } from '../../processes.ts';
import type { World } from '../../world/world.ts';

const SETTLE_MS = 5_000;
const IDLE_MS = 15_000;

export const PARTS = ['ingest', 'mongo', 'redis', 'kafka'] as const;
export type Part = (typeof PARTS)[number];
type Used = Record<Part | 'events' | 'batches', number>;

type Engines = Record<Exclude<Part, 'ingest'>, Engine>;

/** What counting some events took, in CPU microseconds of each part, without what it uses while idle. */
export interface Load {
  events: number;
  batches: number;
  us: Record<Part, number>;
}

/** Measures what ingest and the engines use while ingest counts. */
export class CountingMeter {
  readonly #ingest: NodeProcess;
  readonly #engines: Engines;
  #idleUsPerMs: Record<Part, number> = { ingest: 0, mongo: 0, redis: 0, kafka: 0 };

  private constructor(ingest: NodeProcess, engines: Engines) {
    this.#ingest = ingest;
    this.#engines = engines;
  }

  /** Looks at first what they use while there is nothing to count. */
  static async start(bench: Bench, world: World, ingest: NodeProcess): Promise<CountingMeter> {
    const engines = {
      kafka: await bench.shared(kafka),
      mongo: await bench.shared(mongo),
      redis: world.redis,
    };
    const meter = new CountingMeter(ingest, engines);
    await sleep(bench.size(SETTLE_MS, 1_000));
    const idleMs = bench.size(IDLE_MS, 1_000);
    const { us } = await meter.measure(() => sleep(idleMs));
    for (const part of PARTS) meter.#idleUsPerMs[part] = us[part] / idleMs;
    return meter;
  }

  /** @param count resolves when everything is counted */
  async measure(count: () => Promise<unknown>): Promise<Load> {
    const beganMs = performance.now();
    const before = await this.#used();
    await count();
    const after = await this.#used();
    const tookMs = performance.now() - beganMs;
    const usOf = (part: Part) =>
      Math.max(0, (after[part] - before[part]) * 1e6 - this.#idleUsPerMs[part] * tookMs);
    return {
      events: after.events - before.events,
      batches: after.batches - before.batches,
      us: { ingest: usOf('ingest'), mongo: usOf('mongo'), redis: usOf('redis'), kafka: usOf('kafka') },
    };
  }

  async #used(): Promise<Used> {
    const { sum } = await this.#ingest.metrics();
    return {
      ingest: this.#ingest.cpuSeconds() ?? Number.NaN,
      mongo: engineCpuSeconds(this.#engines.mongo),
      redis: engineCpuSeconds(this.#engines.redis),
      kafka: engineCpuSeconds(this.#engines.kafka),
      events: sum('calltally_batch_events_sum'),
      batches: sum('calltally_batch_events_count'),
    };
  }
}
