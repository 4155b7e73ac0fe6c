import { busy } from './counting.ts';
import type { Costs, Inputs } from './inputs.ts';
import { DAY_SECONDS } from './load.ts';
import { API_POLLS, INGEST_POLLS, MASTER_POLLS, type Plan } from './needs.ts';

/** What to watch beside the number of parts: more of them help only in part, not at all, or make it worse. */
export interface Ceiling {
  what: string;
  unit: string;
  need: number;
  has: number;
  /** What to do when `need` comes near to `has`. */
  remedy: string;
}

/** One reads, the other is told which of those keys have changed. */
const API_CONNECTIONS = 2;
/** Of Redis: `maxclients` unless it is set. */
const CLIENTS_MAX = 10_000;
/** What Redis recommends: all nodes talk to each other. */
const CLUSTER_NODES_MAX = 1_000;
/** Of MongoDB: `net.maxIncomingConnections` unless it is set. */
const MONGO_CONNECTIONS_MAX = 65_536;
/** `maxPoolSize` of packages/store, and the pools of the API. */
const INGEST_POOL = 16;
const API_POOL = 32;
/** Of packages/http: keys that a process remembers. */
const KNOWN_KEYS_MAX = 200_000;
/** What brokers are usually given at most, replicas included. */
const BROKER_PARTITIONS_MAX = 4_000;
/** Each process asks the brokers twice a second what partitions there are. */
const METADATA_POLLS = 2;
/** Of packages/store: users are walked over in so many pages at most, each within the time limit of a call. */
const PAGES_MAX = 5_000;
const PAGE_SECONDS = 9;
/** For longer than a day nobody wants to answer the users of a master from rows. */
const REFILL_SECONDS_MAX = 86_400;
/** Nor for longer than a week those of all masters. */
const REFILL_ALL_DAYS_MAX = 7;
/** Of calls that are seen later nobody says that they are seen at once. */
const FRESH_SECONDS = 1;
const DAYS_OF_MONTH = 30.44;

/** In the order of what comes first. */
export function ceilingsOf(inputs: Inputs, costs: Costs, plan: Plan): Ceiling[] {
  const { counts, counting, load } = plan;
  const { replicas, busyShare, months, callsPerDay, years } = inputs;
  const polls = INGEST_POLLS * counts.ingest + API_POLLS * counts.api + MASTER_POLLS;
  const metadataBytes =
    METADATA_POLLS * counts.ingest * counts.partition * (costs['kafka-metadata-bytes'] + 8 * replicas);
  const rowsInRedis = load.users * callsPerDay * DAYS_OF_MONTH * Math.min(months, years * 12);
  const refillSeconds = rowsInRedis / (costs['fill-rows-per-second'] * inputs.fillSlots);
  const unknownKeys = 1 - Math.min(1, KNOWN_KEYS_MAX / load.users);
  const primaryUs = inputs.shardCores * busyShare * 1e6;
  const ceilings: Ceiling[] = [
    {
      what: 'events of the largest user, which go to one partition and one master',
      unit: 'events/s',
      need: load.peakEventsPerSecond * load.largestShare,
      has: (busyShare * 1e6) / costs['partition-event'],
      remedy:
        'spread this user’s events over several keys: numbers do not depend on the partition, and corrections wait for each other',
    },
    {
      what: 'nodes of the Redis Cluster',
      unit: 'nodes',
      need: counts.master * (1 + inputs.masterReplicas),
      has: CLUSTER_NODES_MAX,
      remedy:
        'larger masters, COUNTERS_DETAIL=off, fewer months, or several installations with users divided between them',
    },
    {
      what: 'connections to each master',
      unit: 'connections',
      need: counts.ingest + API_CONNECTIONS * counts.api,
      has: CLIENTS_MAX,
      remedy: 'raise maxclients: processes cannot be fewer and larger, since each uses one core',
    },
    {
      what: 'polls and as-of on each master',
      unit: 'cores',
      need: busy(polls * costs['redis-command']),
      has: busyShare,
      remedy: 'several installations: each process tells each master twice a second how far it is',
    },
    {
      what: 'metadata of the topic, asked for by each process',
      unit: 'MB/s',
      need: metadataBytes / 1e6,
      has: counts.broker * inputs.brokerMbPerSecond * busyShare,
      remedy: 'fewer partitions: each process is told of all of them twice a second',
    },
    {
      what: 'partition replicas on each broker',
      unit: 'replicas',
      need: (counts.partition * replicas) / counts.broker,
      has: BROKER_PARTITIONS_MAX,
      remedy: 'more brokers',
    },
    {
      what: 'connections to Mongo',
      unit: 'connections',
      need: INGEST_POOL * counts.ingest + API_POOL * counts.api,
      has: MONGO_CONNECTIONS_MAX,
      remedy: 'more mongos routers, each with a part of the processes',
    },
    {
      what: 'time of a batch, which waits for progress on one primary',
      unit: 's',
      need: counting.progressSeconds,
      has: FRESH_SECONDS,
      remedy: 'a larger primary for progress, fewer partitions, or shard progress by {_id: "hashed"}',
    },
    {
      what: 'look-ups of API keys, on one primary',
      unit: 'cores',
      need: busy(load.peakRequestsPerSecond * unknownKeys * costs['mongo-key']),
      has: busy(primaryUs),
      remedy:
        'tokens or a platform key, which need no look-up; or a balancer that sends a key to the same process; or shard api_keys by {hash: 1}',
    },
    {
      what: 'filling the users of one master again',
      unit: 'hours',
      need: refillSeconds / counts.master / 3_600,
      has: REFILL_SECONDS_MAX / 3_600,
      remedy:
        'a replica for each master and an append-only file, so that it is never needed; more FILL_SLOTS, as far as Mongo has cores; more and smaller masters',
    },
    {
      what: 'filling all users again, after all of Redis is lost',
      unit: 'days',
      need: refillSeconds / DAY_SECONDS,
      has: REFILL_ALL_DAYS_MAX,
      remedy:
        'replicas and append-only files on other machines, so that it is never needed; more FILL_SLOTS, as far as Mongo has cores',
    },
    {
      what: 'pages of all users, as verify --all reads them',
      unit: 'rows',
      need: load.rows,
      has: PAGES_MAX * PAGE_SECONDS * costs['page-rows-per-second'] * counts.shard,
      remedy: 'verify --sample; the audit of ingest goes on whatever the number of rows',
    },
  ];
  return ceilings.sort((a, b) => b.need / b.has - a.need / a.has);
}
