import { CommandError } from '../failure.ts';
import { BATCH_MAX, type Counting, countingIn } from './counting.ts';
import type { Costs, Inputs } from './inputs.ts';
import { largestShareOf } from './load.ts';
import type { Plan } from './needs.ts';

/** A time when more events come than in the busiest second of the plan. */
export interface Burst {
  /** How many times as many. */
  factor: number;
  seconds: number;
}

export interface Simulated {
  /** The longest that an event waited, and in which second its partition was the farthest behind. */
  maxLagSeconds: number;
  atSecond: number;
  /** Until everything was counted, from the end of the burst; undefined if it was not within the time. */
  caughtUpSeconds: number | undefined;
  /** What held up the partition that was the farthest behind, most of the time. */
  heldUpBy: 'nothing' | 'partition' | 'ingest' | 'master' | 'shard';
  /** Events that came, were counted, and wait at the end. */
  arrived: number;
  counted: number;
  waiting: number;
}

/** There are too many parts. */
export interface NotPlayed {
  why: string;
}

const FACTOR_MAX = 1_000;
const SECONDS_MAX = 86_400;

/** @throws CommandError CAPACITY_INPUT */
export function burstOf(factor: number, seconds: number): Burst {
  if (!(factor >= 1 && factor <= FACTOR_MAX)) {
    throw new CommandError(
      'CAPACITY_INPUT',
      `--burst-factor is ${factor}: write a number from 1 to ${FACTOR_MAX}`,
    );
  }
  if (!(seconds >= 1 && seconds <= SECONDS_MAX)) {
    throw new CommandError(
      'CAPACITY_INPUT',
      `--burst-seconds is ${seconds}: write a number from 1 to ${SECONDS_MAX}`,
    );
  }
  return { factor, seconds: Math.ceil(seconds) };
}

type Held = Exclude<Simulated['heldUpBy'], 'nothing'>;

const BEFORE_SECONDS = 10;
const TAIL_SECONDS = 3_600;
/** No Kafka or Redis Cluster is larger. */
const PARTS_MAX = 20_000;
const PLAYED = [
  ['partition', 'partitions'],
  ['ingest', 'ingest processes'],
  ['master', 'masters'],
] as const;
/** So many users have a rank of their own, the others are alike. */
const LARGE_USERS = 10_000;

/**
 * Plays a burst, second by second: what formulas leave out. Users’ shares fall as a power law from that of the largest, and
 * each has one partition and one master. A partition is counted in order, its process shares a core, and a batch waits for
 * the busiest of the masters that it has users of, which is all of them once there are many users. It is a fluid: within a
 * second events are divided as they please. At most `PARTS_MAX` of a part can be played: see `whyNotPlayed`.
 */
export function simulate(inputs: Inputs, costs: Costs, plan: Plan, burst: Burst, seed = 1): Simulated {
  const { counts, counting, load } = plan;
  const random = randomOf(seed);
  const shares = sharesOf(inputs, plan, random);
  const events = load.peakEventsPerSecond;
  // A partition that is behind is counted in full batches, which cost less.
  const ahead = limitsOf(counting, events, inputs, counts);
  const behind = limitsOf(countingIn(BATCH_MAX, inputs.detail, costs, load, counts), events, inputs, counts);
  const serialMax = 1e6 / costs['partition-event'];

  const waiting = new Float64Array(counts.partition);
  const result: Simulated = {
    maxLagSeconds: 0,
    atSecond: 0,
    caughtUpSeconds: undefined,
    heldUpBy: 'nothing',
    arrived: 0,
    counted: 0,
    waiting: 0,
  };
  const heldSeconds: Record<Held, number> = { partition: 0, ingest: 0, master: 0, shard: 0 };
  const end = BEFORE_SECONDS + burst.seconds + TAIL_SECONDS;
  for (let second = 0; second < end; second++) {
    const isBurst = second >= BEFORE_SECONDS && second < BEFORE_SECONDS + burst.seconds;
    const rate = events * (isBurst ? burst.factor : 1);
    const wanted = waiting.map((left, partition) => left + rate * shares.partitions[partition]!);
    result.arrived += rate;
    const inOrder = wanted.map((one) => Math.min(one, serialMax));
    const ofProcess = new Float64Array(counts.ingest);
    for (const [partition, one] of inOrder.entries())
      ofProcess[partition % counts.ingest]! += one * shares.work[partition]!;
    const isBehind = waiting.some((left) => left >= BATCH_MAX);
    const { process, master, shards } = isBehind ? behind : ahead;
    const asked = inOrder.map(
      (one, partition) => one * Math.min(1, process / ofProcess[partition % counts.ingest]!),
    );
    const total = asked.reduce((sum, one) => sum + one, 0);
    // A batch is counted when its last master has: all go as fast as the busiest one.
    const byMaster = Math.min(1, master / (total * shares.largestMaster));
    const byShard = Math.min(1, shards / total);
    let worst = 0;
    let worstPartition = 0;
    for (const [partition, one] of asked.entries()) {
      const done = one * Math.min(byMaster, byShard);
      waiting[partition] = Math.max(0, wanted[partition]! - done);
      result.counted += wanted[partition]! - waiting[partition]!;
      const lag = waiting[partition]! / Math.max(done, 1e-9);
      if (waiting[partition]! > 1e-6 && lag > worst) {
        worst = lag;
        worstPartition = partition;
      }
    }
    if (worst > 0) {
      const slowest = slowestOf(asked[worstPartition]! / inOrder[worstPartition]!, byMaster, byShard);
      heldSeconds[slowest] += 1;
    }
    if (worst > result.maxLagSeconds) {
      result.maxLagSeconds = worst;
      result.atSecond = second - BEFORE_SECONDS;
    }
    if (second >= BEFORE_SECONDS + burst.seconds - 1 && worst === 0) {
      result.caughtUpSeconds = second + 1 - BEFORE_SECONDS - burst.seconds;
      break;
    }
  }
  result.waiting = waiting.reduce((sum, one) => sum + one, 0);
  const [longest] = Object.entries(heldSeconds).sort(([, a], [, b]) => b - a);
  if (longest![1] > 0) result.heldUpBy = longest![0] as Held;
  return result;
}

/** Undefined if a plan has no more parts than `simulate` can play. */
export function whyNotPlayed({ counts }: Plan): NotPlayed | undefined {
  for (const [part, name] of PLAYED) {
    if (counts[part] <= PARTS_MAX) continue;
    return {
      why: `it plays at most ${PARTS_MAX} ${name}, and this takes ${counts[part]}: think of several installations`,
    };
  }
  return undefined;
}

/** What slows the others down: the one that does most. If none does, a partition's own order is the limit. */
function slowestOf(ingest: number, master: number, shard: number): Held {
  const least = Math.min(ingest, master, shard);
  if (least > 1 - 1e-9) return 'partition';
  if (least === ingest) return 'ingest';
  return least === master ? 'master' : 'shard';
}

/** Events a second that one process, one master and all shards can count. */
function limitsOf(
  { ingestUs, redisUs, mongoUs }: Omit<Counting, 'batchSeconds' | 'progressSeconds'>,
  events: number,
  { shardCores }: Inputs,
  { shard }: Plan['counts'],
) {
  return {
    process: (1e6 * events) / ingestUs,
    master: (1e6 * events) / redisUs,
    shards: (shard * shardCores * 1e6 * events) / mongoUs,
  };
}

interface Shares {
  /** Of events, by partition. */
  partitions: Float64Array;
  /** What an event of the partition costs ingest, over the average one. */
  work: Float64Array;
  /** Of the work of all masters, that of the busiest one. */
  largestMaster: number;
}

/** Several events of a user in one batch cost Redis, and a part of ingest, hardly more than one. */
function sharesOf(inputs: Inputs, { counts, counting }: Plan, random: () => number): Shares {
  const partitions = new Float64Array(counts.partition);
  const saved = new Float64Array(counts.partition);
  const masters = new Float64Array(counts.master);
  const count = inputs.users;
  const largestShare = largestShareOf(inputs);
  const large = Math.min(LARGE_USERS, count);
  let given = 0;
  // Zipf’s law, as far as there are events left to give.
  for (let rank = 1; rank <= large; rank++) {
    const share = rank === count ? 1 - given : Math.min(largestShare / rank, 1 - given);
    given += share;
    const partition = Math.floor(random() * counts.partition);
    const inBatch = Math.max(1, counting.eventsOfBatch * Math.min(1, share * counts.partition));
    partitions[partition]! += share;
    saved[partition]! += share * counting.ingestUserShare * (1 - 1 / inBatch);
    masters[Math.floor(random() * counts.master)]! += share / inBatch;
  }
  spread(partitions, 1 - given, count - large, random);
  spread(masters, 1 - given, count - large, random);
  const work = partitions.map((share, partition) => (share === 0 ? 1 : 1 - saved[partition]! / share));
  return { partitions, work, largestMaster: Math.max(...masters) };
}

/** Divides the rest of the events as hashing divides that many users: not quite evenly. */
function spread(places: Float64Array, share: number, users: number, random: () => number): void {
  const mean = Math.max(users, 1) / places.length;
  const weights = places.map(() => Math.max(0, mean + Math.sqrt(mean) * normal(random)));
  const sum = weights.reduce((total, one) => total + one, 0);
  for (const i of places.keys())
    places[i]! += sum === 0 ? share / places.length : (share * weights[i]!) / sum;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
