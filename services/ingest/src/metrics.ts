import { Counter, createMetrics, Gauge, Histogram, type Registry } from '@calltally/telemetry';

/** What ingest tells Prometheus; one set for each process. */
export function createIngestMetrics() {
  const registry: Registry = createMetrics('ingest');
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, buckets, registers });
  return {
    registry,
    events: counter(
      'calltally_events_total',
      'Events by outcome: inserted, corrected, redelivered, duplicate, changed, outdated, erased, or rejected',
      'outcome',
    ),
    droppedFields: counter(
      'calltally_dropped_fields_total',
      'Fields that calls were counted without, since their values made no sense: ended_at, direction, or status',
      'field',
    ),
    deadLetters: counter('calltally_dead_letters_total', 'Dead letters written, by error code', 'code'),
    recounts: counter(
      'calltally_recounts_total',
      'Users whose counters were opened, to be filled from Mongo: Redis did not know them, or rows had been missing',
    ),
    auditedUsers: counter(
      'calltally_audited_users_total',
      'Users whose counters the audit has compared with their rows',
    ),
    driftedUsers: counter(
      'calltally_drifted_users_total',
      'Audited users whose counters differed from their rows',
    ),
    repairedUsers: counter(
      'calltally_repaired_users_total',
      'Drifted users whose counters were opened again, to be filled from Mongo',
    ),
    lostEvents: counter(
      'calltally_lost_events_total',
      'Offsets that expired before they were stored',
      'partition',
    ),
    failures: counter('calltally_store_failures_total', 'Batches that were retried, by error code', 'code'),
    refused: gauge(
      'calltally_partition_refused',
      '1 while a partition is not read because its topic was recreated',
      'partition',
    ),
    held: gauge(
      'calltally_partition_held',
      '1 while a partition is held, by the code of the reason; the others go on',
      'partition',
      'code',
    ),
    emptyOffsets: counter(
      'calltally_empty_offsets_total',
      'Offsets without an event: control records, aborted transactions, compacted records',
      'kind',
    ),
    batchSize: histogram('calltally_batch_events', 'Events of a batch', [1, 5, 20, 100, 500, 2000, 5000]),
    batchSeconds: histogram(
      'calltally_batch_seconds',
      'From the start of a batch until its events are counted and its checkpoint is written',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    ),
    lagMessages: gauge(
      'calltally_lag_messages',
      'Events of a partition that are not counted yet',
      'partition',
    ),
    lagSeconds: gauge(
      'calltally_lag_seconds',
      'Age of as-of of a partition; 0 when all its events are counted',
      'partition',
    ),
  };
}

export type IngestMetrics = ReturnType<typeof createIngestMetrics>;
