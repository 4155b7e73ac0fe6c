import { Counter, createMetrics, Gauge, Histogram, type Registry } from '@calltally/telemetry';

/** What ingest tells Prometheus; one set a process. */
export function createIngestMetrics() {
  const registry: Registry = createMetrics('ingest');
  const registers = [registry];
  return {
    registry,
    events: new Counter({
      name: 'calltally_events_total',
      help: 'Events by what became of them: inserted, redelivered, duplicate, changed, or rejected',
      labelNames: ['outcome'],
      registers,
    }),
    droppedFields: new Counter({
      name: 'calltally_dropped_fields_total',
      help: 'Fields that calls were taken without, since they held what is none: ended_at, direction, or status',
      labelNames: ['field'],
      registers,
    }),
    deadLetters: new Counter({
      name: 'calltally_dead_letters_total',
      help: 'Events written to the dead-letter topic, by error code',
      labelNames: ['code'],
      registers,
    }),
    recounts: new Counter({
      name: 'calltally_recounts_total',
      help: 'Users whose counters were opened, to be filled from Mongo: Redis did not know them, or rows had been missing',
      registers,
    }),
    auditedUsers: new Counter({
      name: 'calltally_audited_users_total',
      help: 'Users whose counters ingest has compared with Mongo by itself',
      registers,
    }),
    driftedUsers: new Counter({
      name: 'calltally_drifted_users_total',
      help: 'Those of them whose counters were not what the rows say',
      registers,
    }),
    repairedUsers: new Counter({
      name: 'calltally_repaired_users_total',
      help: 'Those of the drifted users whose counters were made anew',
      registers,
    }),
    lostEvents: new Counter({
      name: 'calltally_lost_events_total',
      help: 'Offsets that the topic let go before they were ever read',
      labelNames: ['partition'],
      registers,
    }),
    failures: new Counter({
      name: 'calltally_store_failures_total',
      help: 'Batches that had to be repeated, by error code',
      labelNames: ['code'],
      registers,
    }),
    refused: new Gauge({
      name: 'calltally_partition_refused',
      help: '1 while a partition is not read because its topic was made anew',
      labelNames: ['partition'],
      registers,
    }),
    held: new Gauge({
      name: 'calltally_partition_held',
      help: '1 while a partition does not go on, by the code of the reason; the others do',
      labelNames: ['partition', 'code'],
      registers,
    }),
    emptyOffsets: new Counter({
      name: 'calltally_empty_offsets_total',
      help: 'Offsets without an event to count: control records, aborted transactions, compacted records',
      labelNames: ['kind'],
      registers,
    }),
    batchSize: new Histogram({
      name: 'calltally_batch_events',
      help: 'Events of a batch',
      buckets: [1, 5, 20, 100, 500, 2000, 5000],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'calltally_batch_seconds',
      help: 'From a batch in hand to its events counted and marked',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    lagMessages: new Gauge({
      name: 'calltally_lag_messages',
      help: 'Events of a partition that are not counted yet',
      labelNames: ['partition'],
      registers,
    }),
    lagSeconds: new Gauge({
      name: 'calltally_lag_seconds',
      help: 'How long ago everything acknowledged in a partition was counted; 0 when everything is',
      labelNames: ['partition'],
      registers,
    }),
  };
}

export type IngestMetrics = ReturnType<typeof createIngestMetrics>;
