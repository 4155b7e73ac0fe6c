export interface Cost {
  value: number;
  unit: string;
  about: string;
  /** The figures of `npm run bench` that it is from; or what it is assumed from. */
  source: string;
  /** FerretDB over PostgreSQL stood in for MongoDB. */
  ofStandIn?: true;
  /** How often the id of a user, and that of a call, is in these bytes: so much they grow with each byte of it. */
  ids?: { user: number; call: number };
}

/** Bytes of the ids that costs in bytes were measured with, by infra/bench/src/figures/costs/counting.ts. */
export const MEASURED_IDS = { idBytes: 11, callIdBytes: 27 } as const;

/** As key and in the event; as `user_id` and in `_id`; in `_id` and in front of the index of sums. */
const TWICE_AND_ONCE = { user: 2, call: 1 } as const;

/**
 * What one thing costs. CPU times are of a core of the machine that docs/performance.md names, so they hold for others only
 * about. Each is replaced by `--cost NAME=VALUE`.
 */
export const UNIT_COSTS = {
  'ingest-event': cpu(10.3, 'ingest, an event', 'costs-event-ingest'),
  'ingest-user': cpu(31.6, 'ingest, a user of a batch', 'costs-user-ingest'),
  'ingest-batch': cpu(1_201, 'ingest, a batch', 'costs-batch-ingest'),
  'ingest-detail-event': cpu(4.07, 'ingest, more an event with detail', 'costs-detail-event-ingest'),
  'ingest-detail-user': cpu(18.1, 'ingest, more a user of a batch with detail', 'costs-detail-user-ingest'),
  'redis-event': cpu(0, 'Redis, an event', 'costs-event-redis'),
  'redis-user': cpu(31.8, 'Redis, a user of a batch', 'costs-user-redis'),
  'redis-batch': cpu(207, 'Redis, a batch', 'costs-batch-redis'),
  'redis-detail-event': cpu(0.482, 'Redis, more an event with detail', 'costs-detail-event-redis'),
  'redis-detail-user': cpu(40.7, 'Redis, more a user of a batch with detail', 'costs-detail-user-redis'),
  'redis-command': cpu(53.7, 'Redis, a checkpoint, as-of or poll', 'masters-cpu ÷ masters-commands'),
  'redis-request': cpu(10.7, 'Redis, a dashboard', 'costs-request-redis'),
  'mongo-event': { ...cpu(22, 'Mongo, a row', 'costs-event-mongo'), ofStandIn: true },
  'mongo-batch': { ...cpu(1_089, 'Mongo, a batch', 'costs-batch-mongo'), ofStandIn: true },
  'mongo-key': { ...cpu(50, 'Mongo, a look-up of an API key', 'assumed'), ofStandIn: true },
  'mongo-row-bytes': { ...bytes(371, 'a row', 'costs-bytes-row'), ofStandIn: true, ids: TWICE_AND_ONCE },
  'mongo-index-bytes': {
    ...bytes(222, 'a row’s entries in the two indexes that calltally makes', 'costs-bytes-index'),
    ofStandIn: true,
    ids: TWICE_AND_ONCE,
  },
  'mongo-shard-index-bytes': {
    ...bytes(
      129,
      'more with several shards: a row’s entry in the index of the shard key',
      'estimated: its key of 50 bytes, and 79 as each of the other two has beside its key',
    ),
    ofStandIn: true,
    ids: TWICE_AND_ONCE,
  },
  'mongo-page-bytes': bytes(
    32_768,
    'in memory for each user and index: the page with the latest rows',
    'assumed: a page of 32 KiB',
  ),
  'kafka-event': cpu(2.79, 'Kafka, an event', 'costs-event-kafka'),
  'kafka-batch': cpu(758, 'Kafka, a batch', 'costs-batch-kafka'),
  'kafka-event-bytes': { ...bytes(244, 'an event in a log', 'costs-bytes-kafka'), ids: TWICE_AND_ONCE },
  'kafka-metadata-bytes': bytes(
    26,
    'a partition in an answer about the topic, and 8 for each replica',
    'the protocol: Metadata, version 6',
  ),
  'partition-event': cpu(
    73,
    'a partition’s pipeline, an event; wall time',
    '1 ÷ growth-partitions, one partition',
  ),
  'partition-batch': cpu(
    4_170,
    'a partition’s pipeline, a batch; wall time',
    '1 ÷ growth-batches, single events',
  ),
  'api-request': cpu(62.9, 'API, a dashboard', 'costs-request-api'),
  'api-stream': cpu(30, 'API, a second of an idle stream', '(streams-idle-1000 − none) ÷ 1 000'),
  'intake-event': cpu(17.5, 'intake, an event', 'costs-intake-event'),
  'intake-request': cpu(207, 'intake, a request', 'costs-intake-request'),
  'page-rows-per-second': {
    value: 800_000,
    unit: 'rows/s',
    about: 'users of rows, by the index',
    source: 'docs/performance.md: pages of 250 000 rows in 0.3 s',
    ofStandIn: true,
  },
  'fill-rows-per-second': {
    value: 28_552,
    unit: 'rows/s',
    about: 'filling counters from rows',
    source: 'whale-rows',
    ofStandIn: true,
  },
} as const satisfies Record<string, Cost>;

export type UnitCost = keyof typeof UNIT_COSTS;

function cpu(value: number, about: string, source: string) {
  return { value, unit: 'µs', about, source } as const;
}

function bytes(value: number, about: string, source: string) {
  return { value, unit: 'bytes', about, source } as const;
}
