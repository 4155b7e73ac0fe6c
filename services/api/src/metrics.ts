import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ApiKeyCache } from '@calltally/http';
import {
  Counter,
  type FillingMeasured,
  Gauge,
  measureFilling,
  measureReach,
  type ReachMeasured,
  type Registry,
} from '@calltally/telemetry';
import type { EndReason } from './stream/listener.ts';
import type { Tokens } from './tokens/tokens.ts';

interface Limit {
  readonly underWay: number;
  readonly refused: number;
}

interface RememberedMeasured {
  readonly hits: number;
  readonly misses: number;
  readonly bytes: number;
  readonly untracked: number;
}

/** How finely event-loop delays are sampled. Subtracted again, since a sample on time is no delay. */
const RESOLUTION_MS = 10;

/** Metrics of API keys, filling, Redis, as-of, reads and the event loop. */
export function registerMetrics(
  registry: Registry,
  parts: {
    keys: ApiKeyCache;
    tokens?: Tokens | undefined;
    link: {
      readonly current: { readonly asOfMs: number | undefined } | undefined;
      readonly reach: ReachMeasured | undefined;
      readonly remembered: RememberedMeasured | undefined;
    };
    filler: FillingMeasured;
    rowsAsOf: { readonly current: number | undefined };
    /** All reads. */
    reads: Limit;
    /** Of these, the cold answers. */
    fallbacks: Limit;
  },
): void {
  const { keys, tokens, link, filler, rowsAsOf, reads, fallbacks } = parts;
  scraped(
    registry,
    Counter,
    'calltally_api_key_checks_total',
    'API key checks: known (hit), found in Mongo, refused, or unavailable when Mongo did not answer',
    'result',
    () => keys.counts,
  );
  scrapedGauge(registry, 'calltally_api_keys_known', 'API keys held in memory', () => keys.size);
  if (tokens) {
    scraped(
      registry,
      Counter,
      'calltally_api_token_checks_total',
      'Token checks: known (hit), verified, refused, or unavailable when the issuer did not answer',
      'result',
      () => tokens.counts,
    );
    scrapedGauge(registry, 'calltally_api_tokens_known', 'Verified tokens held in memory', () => tokens.size);
  }
  measureFilling(registry, filler);
  scrapedGauge(registry, 'calltally_counters_link_up', 'Whether counters can be read from Redis', () =>
    link.current === undefined ? 0 : 1,
  );
  measureReach(registry, () => link.reach);
  scraped(
    registry,
    Counter,
    'calltally_counters_recalled_total',
    'Questions about counters: answered from memory (hit), or by Redis (miss)',
    'result',
    () => ({ hit: link.remembered?.hits, miss: link.remembered?.misses }),
  );
  scrapedGauge(
    registry,
    'calltally_counters_remembered_bytes',
    'Bytes of remembered answers of Redis, about',
    () => link.remembered?.bytes ?? 0,
  );
  scrapedGauge(
    registry,
    'calltally_redis_masters_untracked',
    'Masters of Redis that do not tell which keys have changed, so nothing of theirs is remembered',
    () => link.remembered?.untracked ?? 0,
  );
  const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
  scraped(
    registry,
    Gauge,
    'calltally_as_of_timestamp_seconds',
    'X-Tally-As-Of as Unix time, of answers from counters and of answers from Mongo; absent while unknown',
    'source',
    () => ({ counters: seconds(link.current?.asOfMs), mongo: seconds(rowsAsOf.current) }),
  );
  scraped(
    registry,
    Gauge,
    'calltally_reads_under_way',
    'Reads under way: all of them (all), and those from rows because counters could not answer (rows)',
    'kind',
    () => ({ all: reads.underWay, rows: fallbacks.underWay }),
  );
  scraped(
    registry,
    Counter,
    'calltally_overloaded_total',
    'Reads refused with OVERLOADED because too many of their kind were under way',
    'kind',
    () => ({ all: reads.refused, rows: fallbacks.refused }),
  );
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  scraped(
    registry,
    Gauge,
    'calltally_event_loop_delay_seconds',
    'Event-loop delay since the last scrape: median, 99th percentile and maximum',
    'quantile',
    () => {
      const late = (ns: number) => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1_000);
      const [half, most, max] = [delays.percentile(50), delays.percentile(99), delays.max];
      delays.reset();
      return { '0.5': late(half), '0.99': late(most), '1': late(max) };
    },
  );
}

export function registerStreamMetrics(
  registry: Registry,
  streams: { readonly open: number; readonly ended: Readonly<Record<EndReason, number>> },
): void {
  scrapedGauge(registry, 'calltally_streams_open', 'Open streams', () => streams.open);
  scraped(
    registry,
    Counter,
    'calltally_streams_ended_total',
    'Ended streams by reason: client closed it (client), key no longer valid (key), client took nothing (stuck), maximum age (age), process stopping (stopping)',
    'reason',
    () => streams.ended,
  );
}

/** A gauge that is read when Prometheus scrapes. */
function scrapedGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

/** A metric with one label that is read when Prometheus scrapes. Undefined values are left out. */
function scraped(
  registry: Registry,
  Metric: typeof Counter | typeof Gauge,
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number | undefined>>,
): void {
  const metric: Counter | Gauge = new Metric({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      metric.reset();
      for (const [value, number] of Object.entries(read())) {
        if (number !== undefined) metric.inc({ [label]: value }, number);
      }
    },
  });
}
