import { Counter, Gauge, type Registry } from '@calltally/telemetry';
import type { KeyRing, KeyRingCounts } from './keys/key-ring.ts';

/** What is measured of API keys, of cold users and of the way to Redis, taken when somebody asks. */
export function measure(
  metrics: Registry,
  parts: { keys: KeyRing; link: { readonly current: unknown }; recounts: { readonly waiting: number } },
): void {
  const { keys, link, recounts } = parts;
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
}
