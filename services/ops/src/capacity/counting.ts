import type { Costs, Inputs } from './inputs.ts';
import type { Load, Part } from './load.ts';

/** How events are counted in the busiest second. */
export interface Counting {
  eventsOfBatch: number;
  usersOfBatch: number;
  batchesPerSecond: number;
  /** From the start of a batch until its events are counted. */
  batchSeconds: number;
  /** How long a batch takes at least, so that the primary that has `progress` notes no more batches than it can. */
  progressSeconds: number;
  /** Masters, and shards, that a batch has users of. */
  mastersOfBatch: number;
  shardsOfBatch: number;
  /** CPU microseconds a second, all processes together. */
  ingestUs: number;
  /** Of ingest's, the share that is paid for each user of a batch and not for each event. */
  ingestUserShare: number;
  redisUs: number;
  mongoUs: number;
  kafkaUs: number;
}

export const BATCH_MAX = 6_000;
/** Insert, raise, apply and checkpoint, one after another. */
const ROUND_TRIPS = 4;
/** Share of the commands of a batch to Mongo that are for `progress`: one raises `stored`, the other one inserts rows. */
export const ON_PROGRESS = 1 / 2;

type Counts = Pick<Record<Part, number>, 'partition' | 'master' | 'shard'>;
type Rate = Pick<Load, 'peakEventsPerSecond' | 'users'>;

/**
 * Ingest takes all that has come of a partition while the batch before was with the stores: at r events a second, a batch of
 * b events takes t = a + b·c, and b = r·t. So b = r·a / (1 − r·c).
 */
export function batchesOf(
  inputs: Pick<Inputs, 'roundTripMs' | 'detail' | 'shardCores' | 'busyShare' | 'freshSeconds'>,
  costs: Costs,
  load: Rate,
  counts: Counts,
): Counting {
  const rate = load.peakEventsPerSecond / counts.partition;
  const waiting = costs['partition-batch'] / 1e6 + (ROUND_TRIPS * inputs.roundTripMs) / 1e3;
  const rest = 1 - rate * (costs['partition-event'] / 1e6);
  const taken = rest <= 0 ? BATCH_MAX : (rate * waiting) / rest;
  // While the primary that has `progress` is busy, batches wait for it, and larger ones are taken meanwhile.
  const progressSeconds = counts.partition / progressMax(inputs, costs);
  const waitedFor = rate * progressSeconds;
  // So does a busy process: its batches wait for each other. They may, as long as calls are fresh enough.
  const fresh = rate * inputs.freshSeconds;
  const eventsOfBatch = clamp(Math.max(taken, waitedFor, fresh), 1, BATCH_MAX);
  const ownSeconds = waiting + eventsOfBatch * (costs['partition-event'] / 1e6);
  return {
    ...countingIn(eventsOfBatch, inputs.detail, costs, load, counts),
    batchSeconds: eventsOfBatch > Math.max(taken, 1) ? eventsOfBatch / rate : ownSeconds,
    progressSeconds,
  };
}

/** Batches a second that one primary can note in `progress`. */
function progressMax(
  { shardCores, busyShare }: Pick<Inputs, 'shardCores' | 'busyShare'>,
  costs: Costs,
): number {
  return (shardCores * busyShare * 1e6) / (costs['mongo-batch'] * ON_PROGRESS);
}

/** What counting costs in batches of so many events. */
export function countingIn(
  eventsOfBatch: number,
  detail: boolean,
  costs: Costs,
  { peakEventsPerSecond, users }: Rate,
  { partition: partitions, master: masters, shard: shards }: Counts,
): Omit<Counting, 'batchSeconds' | 'progressSeconds'> {
  const batchesPerSecond = peakEventsPerSecond / eventsOfBatch;
  const usersOfBatch = someOf(users / partitions, eventsOfBatch);
  const mastersOfBatch = someOf(masters, usersOfBatch);
  const shardsOfBatch = someOf(shards, usersOfBatch);
  const each = (part: 'ingest' | 'redis', cost: 'event' | 'user') =>
    costs[`${part}-${cost}`] + (detail ? costs[`${part}-detail-${cost}`] : 0);
  const cpuUs = (part: 'ingest' | 'redis') =>
    peakEventsPerSecond * each(part, 'event') +
    batchesPerSecond * (usersOfBatch * each(part, 'user') + costs[`${part}-batch`]);
  // Each master but the first takes a pipeline and a checkpoint more, which cost ingest about as much as a user's script.
  const ingestUs = cpuUs('ingest') + batchesPerSecond * (mastersOfBatch - 1) * 2 * costs['ingest-user'];
  return {
    eventsOfBatch,
    usersOfBatch,
    batchesPerSecond,
    mastersOfBatch,
    shardsOfBatch,
    ingestUs,
    ingestUserShare:
      ingestUs === 0 ? 0 : (batchesPerSecond * usersOfBatch * each('ingest', 'user')) / ingestUs,
    redisUs: cpuUs('redis') + batchesPerSecond * (mastersOfBatch - 1) * costs['redis-command'],
    // The other command has rows of several shards, and becomes one for each of them.
    mongoUs:
      peakEventsPerSecond * costs['mongo-event'] +
      batchesPerSecond * costs['mongo-batch'] * (ON_PROGRESS + (1 - ON_PROGRESS) * shardsOfBatch),
    kafkaUs: peakEventsPerSecond * costs['kafka-event'] + batchesPerSecond * costs['kafka-batch'],
  };
}

/** How many different ones are expected among `of`, if that many are drawn. */
export function someOf(of: number, drawn: number): number {
  if (of <= 1) return Math.min(1, drawn);
  // As 1 − (1 − 1 / of) ** drawn, exact for large numbers, too.
  return -of * Math.expm1(drawn * Math.log1p(-1 / of));
}

/** CPU microseconds a second as cores. */
export function busy(us: number): number {
  return us / 1e6;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
