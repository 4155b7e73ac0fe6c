import { CommandError } from '../failure.ts';
import { type Cost, MEASURED_IDS, UNIT_COSTS, type UnitCost } from './unit-costs.ts';

/** What a platform is like, and how large its parts are. */
export interface Inputs {
  /** Those who have calls in most months. The others cost nothing but rows. */
  users: number;
  /** Of a user, on average. */
  callsPerDay: number;
  /** The busiest second over the average one. */
  peakFactor: number;
  callSeconds: number;
  /** Share of all events that are of the largest user. */
  largestShare: number;
  /** Months that Redis keeps. */
  months: number;
  /** Years of rows that Mongo holds. */
  years: number;
  retentionDays: number;
  detail: boolean;
  agents: number;
  directions: number;
  statuses: number;
  /** Bytes of the id of a user, of an agent, and of a call. */
  idBytes: number;
  agentIdBytes: number;
  callIdBytes: number;
  /** Dashboards that a user asks for, by API key. */
  dashboardsPerDay: number;
  /** Streams that are open at the busiest time. */
  streams: number;
  /** Share of events that come by HTTP. */
  intakeShare: number;
  /** Events of a request to intake. */
  intakeBatch: number;
  /** Of each event in Kafka. */
  replicas: number;
  /** FILL_SLOTS */
  fillSlots: number;
  /** Of each Redis master. */
  masterReplicas: number;
  /** How long a batch may take in the busiest second. The longer, the larger and the cheaper batches are. */
  freshSeconds: number;
  roundTripMs: number;
  /** How busy a core or a network may be at the busiest time. */
  busyShare: number;
  /** How full memory and disks may be. */
  fullShare: number;
  masterGib: number;
  shardTb: number;
  shardGib: number;
  shardCores: number;
  brokerTb: number;
  brokerCores: number;
  brokerMbPerSecond: number;
}

export type Costs = Record<UnitCost, number>;
type NumberName = Exclude<keyof Inputs, 'detail'>;

export interface NumberInput {
  default: number;
  min: number;
  max: number;
  about: string;
  /** Parts of it make no sense. */
  whole?: true;
}

/** Every number that may be given, with its option `--kebab-case`. */
export const NUMBER_INPUTS: Readonly<Record<NumberName, NumberInput>> = {
  users: { default: 10_000, min: 1, max: 1e10, about: 'users with calls in most months', whole: true },
  callsPerDay: { default: 20, min: 0.001, max: 1e6, about: 'calls a day of a user' },
  peakFactor: { default: 3, min: 1, max: 1_000, about: 'the busiest second over the average one' },
  callSeconds: { default: 300, min: 1, max: 86_400, about: 'seconds of an average call' },
  largestShare: {
    default: 0.001,
    min: 0,
    max: 1,
    about: 'share of all events that are of the largest user, at least that of one of so many users',
  },
  months: {
    default: 25,
    min: 2,
    max: 120,
    about: 'months that Redis keeps (COUNTERS_RETENTION_MONTHS)',
    whole: true,
  },
  years: { default: 2, min: 0.01, max: 100, about: 'years of rows in Mongo, which keeps them for ever' },
  retentionDays: { default: 7, min: 0.01, max: 3_650, about: 'days that Kafka keeps events' },
  agents: { default: 3, min: 1, max: 1_000, about: 'agents of a user', whole: true },
  directions: { default: 2, min: 1, max: 10, about: 'directions of a user’s calls', whole: true },
  statuses: { default: 3, min: 1, max: 100, about: 'statuses of a user’s calls', whole: true },
  idBytes: { default: 36, min: 1, max: 256, about: 'bytes of a user’s id' },
  agentIdBytes: { default: 36, min: 1, max: 256, about: 'bytes of an agent’s id' },
  callIdBytes: { default: 36, min: 1, max: 256, about: 'bytes of a call’s id' },
  dashboardsPerDay: { default: 5, min: 0, max: 1e6, about: 'dashboards a day of a user' },
  streams: { default: 0, min: 0, max: 1e9, about: 'streams that are open at the busiest time', whole: true },
  intakeShare: { default: 0, min: 0, max: 1, about: 'share of events that come by HTTP' },
  intakeBatch: { default: 100, min: 1, max: 1_000, about: 'events of a request to intake', whole: true },
  replicas: {
    default: 3,
    min: 1,
    max: 7,
    about: 'copies of each event in Kafka, each on another broker',
    whole: true,
  },
  fillSlots: {
    default: 1,
    min: 1,
    max: 64,
    about: 'sums that fill counters at once (FILL_SLOTS)',
    whole: true,
  },
  masterReplicas: { default: 1, min: 0, max: 5, about: 'replicas of each Redis master', whole: true },
  freshSeconds: {
    default: 0.1,
    min: 0,
    max: 60,
    about: 'seconds that a batch may take in the busiest second',
  },
  roundTripMs: { default: 0.5, min: 0, max: 1_000, about: 'network time of a request and its answer, in ms' },
  busyShare: {
    default: 0.5,
    min: 0.05,
    max: 0.95,
    about: 'how busy cores and networks may be in the busiest second',
  },
  fullShare: { default: 0.8, min: 0.05, max: 1, about: 'how full memory and disks may be' },
  masterGib: { default: 16, min: 0.1, max: 1_024, about: 'GiB for the data of one Redis master' },
  shardTb: { default: 4, min: 0.001, max: 1_000, about: 'TB for rows and indexes of one shard' },
  shardGib: { default: 64, min: 0.1, max: 10_000, about: 'GiB of memory for the indexes of one shard' },
  shardCores: { default: 16, min: 1, max: 1_000, about: 'cores of one shard’s primary' },
  brokerTb: { default: 4, min: 0.001, max: 1_000, about: 'TB for events of one broker' },
  brokerCores: { default: 8, min: 1, max: 1_000, about: 'cores of one broker' },
  brokerMbPerSecond: { default: 200, min: 0.1, max: 100_000, about: 'MB a second that one broker writes' },
};

const COST_MAX = 1e12;
/** What is never without a cost, or without any speed. */
const DIVISORS = new Set(['partition-event', 'fill-rows-per-second', 'page-rows-per-second']);

const NAMES = Object.keys(NUMBER_INPUTS) as NumberName[];

export const DEFAULT_INPUTS: Inputs = {
  ...(Object.fromEntries(NAMES.map((name) => [name, NUMBER_INPUTS[name].default])) as Record<
    NumberName,
    number
  >),
  detail: true,
};

/** `callsPerDay` as `--calls-per-day`. */
export function optionOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * Checks inputs, of which any may be left out.
 * @throws CommandError CAPACITY_INPUT: which is wrong, why, and what to write instead
 */
export function inputsOf(given: Partial<Inputs>): Inputs {
  const inputs = { ...DEFAULT_INPUTS, ...given };
  const faults = NAMES.flatMap((name) => {
    const { min, max, whole } = NUMBER_INPUTS[name];
    const value = inputs[name];
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return [];
    return `${optionOf(name)} is ${value}: write a ${whole ? 'whole ' : ''}number from ${min} to ${max}`;
  });
  if (faults.length > 0) throw new CommandError('CAPACITY_INPUT', faults.join('; '));
  return inputs;
}

/** Bytes of the ids of users and calls. */
type Ids = Pick<Inputs, 'idBytes' | 'callIdBytes'>;

/**
 * Unit costs with ids of that length, by default of those that were measured; some replaced by those of `NAME=VALUE`, as they are.
 * @throws CommandError CAPACITY_INPUT
 */
export function costsOf(given: readonly string[] = [], ids: Ids = MEASURED_IDS): Costs {
  const costs = Object.fromEntries(
    Object.entries(UNIT_COSTS).map(([name, cost]) => [name, withIds(cost, ids)]),
  ) as Costs;
  for (const text of given) {
    const [name, value] = ownCost(text);
    costs[name] = value;
  }
  return costs;
}

function withIds(cost: Cost, { idBytes, callIdBytes }: Ids): number {
  if (cost.ids === undefined) return cost.value;
  const { user, call } = cost.ids;
  return (
    cost.value + user * (idBytes - MEASURED_IDS.idBytes) + call * (callIdBytes - MEASURED_IDS.callIdBytes)
  );
}

/** @throws CommandError CAPACITY_INPUT */
function ownCost(text: string): [UnitCost, number] {
  const refused = (why: string) => new CommandError('CAPACITY_INPUT', `--cost ${text} ${why}`);
  const at = text.indexOf('=');
  if (at === -1) throw refused('has no value: write NAME=VALUE');
  const name = text.slice(0, at);
  const value = text.slice(at + 1).trim();
  if (!Object.hasOwn(UNIT_COSTS, name)) {
    throw refused(`names no cost: write NAME=VALUE with one of ${Object.keys(UNIT_COSTS).join(', ')}`);
  }
  const min = DIVISORS.has(name) ? 0.001 : 0;
  const number = value === '' ? Number.NaN : Number(value);
  if (!(number >= min && number <= COST_MAX)) {
    throw refused(`has a value that cannot be: write a number from ${min} to ${COST_MAX} after the =`);
  }
  return [name as UnitCost, number];
}
