import type { Redis } from 'ioredis';
import pTimeout from 'p-timeout';
import { type CounterSessionOptions, openConnection } from './connection.ts';
import { CountersError } from './errors.ts';
import { generationKey } from './keys.ts';
import { holds, joinSlots, SLOTS, type Slots, slotOf, slotsText } from './slots.ts';
import { Tracking } from './tracking.ts';

export interface HostPort {
  host: string;
  port: number;
}

/** A connection to a Redis node that takes writes. */
export interface MasterNode {
  redis: Redis;
  /** What is remembered of it, or why nothing is; undefined if nothing shall be. */
  tracking: Tracking | Error | undefined;
  /** Undefined for a single node. */
  address: HostPort | undefined;
  /** The hash tag of the node's own keys, chosen so that they lie on it. */
  tag: number;
  generationKey: string;
  /** A single node has them all. */
  slots: Slots;
  /** Its id in the cluster, then those of its replicas, any of which may take over. Empty for a single node. */
  nodes: readonly string[];
}

/** A master of the cluster that could not be reached. */
export interface AbsentMaster {
  address: HostPort;
  slots: Slots;
  nodes: readonly string[];
  reason: CountersError;
}

export interface FoundMasters {
  masters: MasterNode[];
  absent: AbsentMaster[];
}

type Topology = Omit<AbsentMaster, 'reason'>[];

/**
 * Connects to the single node, or to every master of a cluster. Masters that cannot be reached are absent if the settings
 * allow it and another one is there.
 *
 * @param known masters whose connections are kept, where the cluster still has a master at their address
 * @throws CountersError
 */
export async function openMasters(
  settings: CounterSessionOptions,
  known: readonly MasterNode[] = [],
): Promise<FoundMasters> {
  if (settings.clusterNodes === undefined) {
    const connection = await connect(settings, { tag: 0, address: undefined, masters: 1 });
    const keys = { tag: 0, generationKey: generationKey(0) };
    return {
      masters: [{ ...connection, address: undefined, nodes: [], slots: [[0, SLOTS - 1]], ...keys }],
      absent: [],
    };
  }
  const topology = await findTopology(settings, known);
  const found: FoundMasters = { masters: [], absent: [] };
  await Promise.all(
    topology.map(async (one) => {
      const before = known.find(({ address }) => isSame(address, one.address));
      try {
        const keys = keysWithin(one.slots);
        const { redis, tracking } =
          before ?? (await connect(settings, { ...keys, ...one, masters: topology.length }));
        found.masters.push({ ...one, ...keys, redis, tracking });
      } catch (thrown) {
        if (!(thrown instanceof CountersError)) throw thrown;
        found.absent.push({ ...one, reason: thrown });
      }
    }),
  );
  const [missing] = found.absent;
  if (missing !== undefined && (!settings.allowsAbsentMasters || found.masters.length === 0)) {
    for (const { redis } of found.masters) if (!known.some((one) => one.redis === redis)) redis.disconnect();
    throw missing.reason;
  }
  // In the order of their slots, so that every process finds the same first one.
  found.masters.sort((a, b) => a.slots[0]![0] - b.slots[0]![0]);
  return found;
}

/** @param masters how many share the memory */
async function connect(
  settings: CounterSessionOptions,
  { tag, address, masters }: { tag: number; address: HostPort | undefined; masters: number },
): Promise<Pick<MasterNode, 'redis' | 'tracking'>> {
  const redis = await openConnection(settings, address);
  if (settings.rememberedBytesMax === undefined) return { redis, tracking: undefined };
  const tracking = await track(settings, { redis, tag, address }, masters);
  if (redis.status === 'ready') return { redis, tracking };
  throw new CountersError('COUNTERS_LOST', 'the connection was lost while it was opened');
}

/**
 * Has a master tell, on a second connection, which of the keys that are read have changed.
 * @param masters how many share the memory
 * @returns the reason if it does not. It can be read all the same
 */
export async function track(
  settings: CounterSessionOptions,
  { redis, tag, address }: Pick<MasterNode, 'redis' | 'tag' | 'address'>,
  masters: number,
): Promise<Tracking | Error> {
  let subscriber: Redis | undefined;
  try {
    subscriber = await openConnection(settings, address, 2);
    const bytesMax = settings.rememberedBytesMax! / masters;
    const started = Tracking.start(redis, subscriber, { tag, bytesMax });
    return await pTimeout(started, { milliseconds: settings.openTimeoutMs });
  } catch (thrown) {
    subscriber?.disconnect();
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

/** The master that holds a key; undefined if none of these does. */
export function masterOf<M extends { slots: Slots }>(masters: readonly M[], key: string): M | undefined {
  const slot = slotOf(key);
  return masters.find(({ slots }) => holds(slots, slot));
}

/** The least tag in these slots, so that every process finds the same one. */
function keysWithin(slots: Slots): Pick<MasterNode, 'tag' | 'generationKey'> {
  const tag = Math.min(...tagsWithin(slots));
  return { tag, generationKey: generationKey(tag) };
}

let tagOfSlot: Int32Array | undefined;

/** The least tag of each of these slots. No other tag was ever used while its slot was among those of a master. */
export function tagsWithin(slots: Slots): number[] {
  tagOfSlot ??= leastTags();
  return slots.flatMap(([first, last]) => [...tagOfSlot!.subarray(first, last + 1)]);
}

function leastTags(): Int32Array {
  const tags = new Int32Array(SLOTS).fill(-1);
  for (let tag = 0, left = SLOTS; left > 0; tag++) {
    const slot = slotOf(generationKey(tag));
    if (tags[slot] !== -1) continue;
    tags[slot] = tag;
    left--;
  }
  return tags;
}

/** A change that leaves the masters what they are. */
export const SLOTS_MOVED = 'slots have moved from master to master';

/**
 * What makes these masters no longer those of the cluster: slots that moved, a master that was added, removed or replaced
 * by its replica, or an absent one that answers again.
 * @returns undefined if nothing has changed; `SLOTS_MOVED` if it is only that
 * @throws CountersError if no node tells
 */
export async function changeOf(
  settings: CounterSessionOptions,
  { masters, absent }: FoundMasters,
): Promise<string | undefined> {
  if (settings.clusterNodes === undefined) return undefined;
  const topology = await findTopology(settings, masters);
  const slotsByAddress = (some: readonly { address: HostPort | undefined; slots: Slots }[]) =>
    new Map(some.map(({ address, slots }) => [`${address?.host}:${address?.port}`, slotsText(slots)]));
  const now = slotsByAddress(topology);
  const before = slotsByAddress([...masters, ...absent]);
  if (now.size !== before.size || [...now.keys()].some((address) => !before.has(address))) {
    return 'the cluster has other masters';
  }
  if ([...now].some(([address, slots]) => before.get(address) !== slots)) return SLOTS_MOVED;
  for (const { address } of absent) {
    const redis = await openConnection(settings, address).catch(() => undefined);
    redis?.disconnect();
    if (redis !== undefined) return `the master at ${address.host}:${address.port} is back`;
  }
  return undefined;
}

/** @throws CountersError */
async function findTopology(
  settings: CounterSessionOptions,
  known: readonly MasterNode[],
): Promise<Topology> {
  for (const { redis, address } of known) {
    const asked = pTimeout(askTopology(redis, address!), { milliseconds: settings.openTimeoutMs });
    const topology = await asked.catch(() => undefined);
    if (topology !== undefined) return topology;
  }
  let failure = new CountersError('COUNTERS_LOST', 'no node of the cluster is configured');
  for (const node of settings.clusterNodes ?? []) {
    try {
      const redis = await openConnection(settings, node);
      try {
        return await askTopology(redis, node);
      } finally {
        redis.disconnect();
      }
    } catch (thrown) {
      failure =
        thrown instanceof CountersError
          ? thrown
          : new CountersError('COUNTERS_LOST', 'no node of the cluster tells its slots', thrown);
    }
  }
  throw failure;
}

/** First and last slot, then host, port and id of the master and of each replica that is up. */
type SlotReply = [number, number, ...[string, number, string, ...unknown[]][]];

async function askTopology(redis: Redis, asked: HostPort): Promise<Topology> {
  const reply = (await redis.cluster('SLOTS')) as unknown as SlotReply[];
  const masters = new Map<string, Topology[number]>();
  for (const [first, last, ...nodes] of reply) {
    const [host, port, id] = nodes[0]!;
    const known = masters.get(id) ?? {
      address: { host: host || asked.host, port },
      slots: [],
      nodes: nodes.map(([, , nodeId]) => nodeId),
    };
    known.slots.push([first, last]);
    masters.set(id, known);
  }
  // In one form, so that two readings can be compared.
  return [...masters.values()].map((one) => ({ ...one, slots: joinSlots(one.slots) }));
}

function isSame(a: HostPort | undefined, b: HostPort): boolean {
  return a !== undefined && a.host === b.host && a.port === b.port;
}
