import { batchesOf, busy, type Counting } from './counting.ts';
import type { Costs, Inputs } from './inputs.ts';
import { DAY_SECONDS, type Load, loadOf, PARTS, type Part } from './load.ts';

/** One thing that a part must provide, and how much of it one part has. */
export interface Need {
  part: Part;
  what: string;
  unit: string;
  need: number;
  /** Of one. */
  has: number;
  /** It follows from the number of another part, and is no work of its own. */
  follows?: true;
}

export interface Plan {
  load: Load;
  counting: Counting;
  needs: Need[];
  /** How many of each part it takes. */
  counts: Record<Part, number>;
}

const GIB = 2 ** 30;
const TB = 1e12;
const PARTITIONS_MIN = 6;
const STREAMS_OF_PROCESS = 2_000;
const ROUNDS = 50;
/** Of a Redis Cluster. A single master needs none. */
const CLUSTER_MASTERS_MIN = 3;
/** `_id`, and that of sums; with several shards that of the shard key. */
const INDEXES = 2;

/** Polls of a process to each master, a second: as-of and checkpoints of ingest, generations of the API. */
export const INGEST_POLLS = 2;
export const API_POLLS = 10;
/** As-of of all partitions is summed up ten times a second. */
export const MASTER_POLLS = 10;

/**
 * How many of each part a platform needs. What a process does for each master, or a batch for each shard, grows with both
 * numbers, so they are found together, from few to many.
 */
export function planOf(inputs: Inputs, costs: Costs): Plan {
  const load = loadOf(inputs);
  let counts: Record<Part, number> = {
    partition: PARTITIONS_MIN,
    ingest: 1,
    master: 1,
    shard: 1,
    broker: inputs.replicas,
    api: 1,
    intake: inputs.intakeShare > 0 ? 1 : 0,
  };
  for (let round = 0; ; round++) {
    const counting = batchesOf(inputs, costs, load, counts);
    const needs = needsOf(inputs, costs, load, counting, counts);
    const next = { ...counts };
    for (const { part, need, has } of needs) {
      // Never fewer than before: what is needed for their number grows with it, and both must come to rest.
      next[part] = Math.max(next[part], Math.ceil(need / has));
    }
    if (next.master > 1) next.master = Math.max(next.master, CLUSTER_MASTERS_MIN);
    if (PARTS.every((part) => next[part] === counts[part]) || round === ROUNDS) {
      return { load, counting, needs, counts };
    }
    counts = next;
  }
}

function needsOf(
  inputs: Inputs,
  costs: Costs,
  load: Load,
  counting: Counting,
  counts: Record<Part, number>,
): Need[] {
  const { busyShare, fullShare } = inputs;
  const { peakEventsPerSecond: events, peakRequestsPerSecond: requests } = load;
  const intakeUs = costs['intake-event'] + costs['intake-request'] / inputs.intakeBatch;
  const kafkaBytes = costs['kafka-event-bytes'];
  const isSharded = counts.shard > 1;
  const indexBytes = costs['mongo-index-bytes'] + (isSharded ? costs['mongo-shard-index-bytes'] : 0);
  const indexBytesInMemory = Math.min(
    load.rows * indexBytes,
    load.users * costs['mongo-page-bytes'] * (INDEXES + (isSharded ? 1 : 0)),
  );
  // Each takes its share of a master, however many masters there are.
  const pollsOfMaster =
    (INGEST_POLLS * counts.ingest + API_POLLS * counts.api + MASTER_POLLS) * costs['redis-command'];
  const masterUs = Math.max(busyShare * 1e6 - pollsOfMaster, 1);
  // A partition is counted by one core at a time.
  const inOrderUs = Math.max(events * costs['partition-event'], counting.ingestUs);
  return [
    need('partition', 'events in order', 'busy partitions', busy(inOrderUs), busyShare),
    { ...need('partition', 'a process each', 'processes', counts.ingest, 1), follows: true },
    need('ingest', 'CPU', 'cores', busy(counting.ingestUs), busyShare),
    {
      ...need(
        'ingest',
        'whole partitions',
        'partitions',
        counts.partition,
        partitionsOfProcess(busyShare, counts.partition, busy(counting.ingestUs)),
      ),
      follows: true,
    },
    need('master', 'memory', 'GiB', (load.users * load.redisBytesOfUser) / GIB, inputs.masterGib * fullShare),
    need(
      'master',
      'CPU',
      'cores',
      busy(counting.redisUs + requests * costs['redis-request']),
      busy(masterUs),
    ),
    need(
      'shard',
      'disk',
      'TB',
      (load.rows * (costs['mongo-row-bytes'] + indexBytes)) / TB,
      inputs.shardTb * fullShare,
    ),
    need('shard', 'CPU', 'cores', busy(counting.mongoUs), inputs.shardCores * busyShare),
    need('shard', 'indexes in memory', 'GiB', indexBytesInMemory / GIB, inputs.shardGib * fullShare),
    need(
      'broker',
      'disk',
      'TB',
      (load.eventsPerSecond * DAY_SECONDS * inputs.retentionDays * kafkaBytes * inputs.replicas) / TB,
      inputs.brokerTb * fullShare,
    ),
    need(
      'broker',
      'writes',
      'MB/s',
      (events * kafkaBytes * inputs.replicas) / 1e6,
      inputs.brokerMbPerSecond * busyShare,
    ),
    need('broker', 'CPU', 'cores', busy(counting.kafkaUs), inputs.brokerCores * busyShare),
    need(
      'api',
      'CPU',
      'cores',
      busy(requests * costs['api-request'] + inputs.streams * costs['api-stream']),
      busyShare,
    ),
    need('api', 'streams', 'streams', inputs.streams, STREAMS_OF_PROCESS),
    need('intake', 'CPU', 'cores', busy(events * inputs.intakeShare * intakeUs), busyShare),
  ];
}

/** As many as keep a process no busier than it may be: it has none in part. */
function partitionsOfProcess(busyShare: number, partitions: number, cores: number): number {
  if (cores === 0) return partitions;
  return Math.min(partitions, Math.max(1, Math.floor((busyShare * partitions) / cores)));
}

function need(part: Part, what: string, unit: string, needed: number, has: number): Need {
  return { part, what, unit, need: needed, has };
}
