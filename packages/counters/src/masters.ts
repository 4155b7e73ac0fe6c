import calculateSlot from 'cluster-key-slot';
import type { Redis } from 'ioredis';
import { type CounterSessionOptions, openConnection } from './connection.ts';
import { CountersError } from './errors.ts';
import { generationKey } from './keys.ts';

/** A connection to a Redis node that takes writes. */
export interface MasterNode {
  redis: Redis;
  /** The hash tag of the node's own keys, chosen so that they lie on it. */
  tag: number;
  generationKey: string;
  /** Inclusive ranges of hash slots. A single node has them all. */
  slots: [number, number][];
}

const SLOTS = 16384;

/** Connects to the single node, or to every present master of a cluster. @throws CountersError */
export async function openMasters(settings: CounterSessionOptions): Promise<MasterNode[]> {
  if (settings.clusterNodes === undefined) {
    return [masterOn(await openConnection(settings), [[0, SLOTS - 1]])];
  }
  const nodes = await askTopology(settings, settings.clusterNodes);
  const opened = await Promise.allSettled(
    nodes.map(async ({ host, port, slots }) =>
      masterOn(await openConnection(settings, { host, port }), slots),
    ),
  );
  const masters = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opened.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    for (const master of masters) master.redis.disconnect();
    throw failed.reason;
  }
  return masters;
}

function masterOn(redis: Redis, slots: [number, number][]): MasterNode {
  const tag = tagWithin(slots);
  return { redis, tag, generationKey: generationKey(tag), slots };
}

/** The master that holds a key. @throws CountersError COUNTERS_LOST if none does */
export function masterOf<M extends MasterNode>(masters: readonly M[], key: string): M {
  const slot = calculateSlot(key);
  const master = masters.find(({ slots }) => holds(slots, slot));
  if (master === undefined) throw new CountersError('COUNTERS_LOST', `no master holds hash slot ${slot}`);
  return master;
}

function holds(slots: readonly [number, number][], slot: number): boolean {
  return slots.some(([first, last]) => slot >= first && slot <= last);
}

/** The least number whose generation key lies in these slots, so that every process finds the same one. */
function tagWithin(slots: [number, number][]): number {
  for (let tag = 0; tag < SLOTS * 64; tag++) if (holds(slots, calculateSlot(generationKey(tag)))) return tag;
  throw new CountersError('COUNTERS_LOST', 'a master of the cluster holds no slots');
}

type SlotReply = [number, number, [string, number, ...unknown[]], ...unknown[]];

async function askTopology(
  settings: CounterSessionOptions,
  nodes: readonly { host: string; port: number }[],
) {
  let failure: unknown = new CountersError('COUNTERS_LOST', 'no cluster node is configured');
  for (const node of nodes) {
    try {
      // Its one command is part of opening, which the clock bounds.
      const redis = await openConnection({ ...settings, timeoutExcludesStalls: false }, node);
      try {
        const reply = (await redis.cluster('SLOTS')) as unknown as SlotReply[];
        const masters = new Map<string, { host: string; port: number; slots: [number, number][] }>();
        for (const [first, last, [host, port]] of reply) {
          const address = { host: host || node.host, port };
          const name = `${address.host}:${address.port}`;
          const known = masters.get(name) ?? { ...address, slots: [] };
          known.slots.push([first, last]);
          masters.set(name, known);
        }
        return [...masters.values()];
      } finally {
        redis.disconnect();
      }
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure instanceof CountersError
    ? failure
    : new CountersError('COUNTERS_LOST', 'no cluster node tells its slots', failure);
}
