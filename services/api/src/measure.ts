import { Counter, Gauge, type Registry } from '@calltally/telemetry';
import type { KeyRing, KeyRingCounts } from './keys/key-ring.ts';

/** What is measured of API keys, of cold users, of the way to Redis and of as-of, taken when somebody asks. */
export function measure(
  metrics: Registry,
  parts: {
    keys: KeyRing;
    link: { readonly current: { readonly asOfMs: number | undefined } | undefined };
    recounts: { readonly waiting: number };
    rowsAsOf: { readonly current: number | undefined };
  },
): void {
  const { keys, link, recounts, rowsAsOf } = parts;
  new Counter({
    name: 'calltally_api_key_checks_total',
    help: 'API keys by how they were checked: known (hit), found in Mongo, refused, not to be looked up',
    labelNames: ['result'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const result of Object.keys(keys.counts) as (keyof KeyRingCounts)[]) {
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
  new Gauge({
    name: 'calltally_recounts_waiting',
    help: 'Users that Redis did not know and that wait to be recounted',
    registers: [metrics],
    collect() {
      this.set(recounts.waiting);
    },
  });
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
}
