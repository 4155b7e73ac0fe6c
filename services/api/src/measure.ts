import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, type FillingMeasured, Gauge, measureFilling, type Registry } from '@calltally/telemetry';
import type { ApiKeyCache, ApiKeyCacheCounts } from './keys/api-key-cache.ts';

interface Limited {
  readonly underWay: number;
  readonly refused: number;
}

/** How finely delays of the event loop are measured; what it is busy with in between is no delay. */
const RESOLUTION_MS = 10;

/** What is measured of API keys, of cold users, of the way to Redis and of as-of, taken when somebody asks. */
export function measure(
  metrics: Registry,
  parts: {
    keys: ApiKeyCache;
    link: { readonly current: { readonly asOfMs: number | undefined } | undefined };
    filler: FillingMeasured;
    rowsAsOf: { readonly current: number | undefined };
    /** Reads for all requests, and of these the answers from rows that counters could not give. */
    reads: Limited;
    fallbacks: Limited;
  },
): void {
  const { keys, link, filler, rowsAsOf, reads, fallbacks } = parts;
  new Counter({
    name: 'calltally_api_key_checks_total',
    help: 'API keys by how they were checked: known (hit), found in Mongo, refused, not to be looked up',
    labelNames: ['result'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const result of Object.keys(keys.counts) as (keyof ApiKeyCacheCounts)[]) {
        this.inc({ result }, keys.counts[result]);
      }
    },
  });
  new Gauge({
    name: 'calltally_api_keys_known',
    help: 'API keys held in memory',
    registers: [metrics],
    collect() {
      this.set(keys.size);
    },
  });
  measureFilling(metrics, filler);
  new Gauge({
    name: 'calltally_counters_link_up',
    help: 'Whether counters can be read from Redis',
    registers: [metrics],
    collect() {
      this.set(link.current === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: 'calltally_as_of_timestamp_seconds',
    help: 'X-Tally-As-Of, as Unix time, of answers from counters and of answers from mongo; none while it is not known',
    labelNames: ['source'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const [source, asOfMs] of [
        ['counters', link.current?.asOfMs],
        ['mongo', rowsAsOf.current],
      ] as const) {
        if (asOfMs !== undefined) this.set({ source }, asOfMs / 1000);
      }
    },
  });
  new Gauge({
    name: 'calltally_reads_under_way',
    help: 'Reads under way: for all requests (all), and of these the answers from rows that counters could not give (rows)',
    labelNames: ['kind'],
    registers: [metrics],
    collect() {
      this.set({ kind: 'all' }, reads.underWay);
      this.set({ kind: 'rows' }, fallbacks.underWay);
    },
  });
  new Counter({
    name: 'calltally_overloaded_total',
    help: 'Reads refused with OVERLOADED, since too many of their kind were under way',
    labelNames: ['kind'],
    registers: [metrics],
    collect() {
      this.reset();
      this.inc({ kind: 'all' }, reads.refused);
      this.inc({ kind: 'rows' }, fallbacks.refused);
    },
  });
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  new Gauge({
    name: 'calltally_event_loop_delay_seconds',
    help: 'How late this process was with what was due, since somebody last asked: half of the times, one of a hundred, at most',
    labelNames: ['quantile'],
    registers: [metrics],
    collect() {
      for (const [quantile, ns] of [
        ['0.5', delays.percentile(50)],
        ['0.99', delays.percentile(99)],
        ['1', delays.max],
      ] as const) {
        this.set({ quantile }, Math.max(0, ns / 1e9 - RESOLUTION_MS / 1_000));
      }
      delays.reset();
    },
  });
}
