import { type Generation, parseGeneration } from './generation.ts';
import { fillQueueKey, generationKey } from './keys.ts';
import { tagsWithin } from './masters.ts';
import type { CounterSession, Master } from './session.ts';

/** A generation where it lies. */
interface Found extends Generation {
  master: Master;
  tag: number;
  fields: Record<string, string>;
}

/**
 * Brings every master's generation to the key where all processes look for it, and removes the others.
 *
 * A generation lies on a hash slot. When slots move, it may leave its master, or the master may get a slot whose key
 * comes before that of its own generation. Where it lies, another one may have been forgotten long ago, with checkpoints
 * of that time. So each master has the generation that names it or the master that it replaced, and of several the one
 * that counts furthest. A generation that names nobody in the cluster (its master was removed, or the cluster is a copy)
 * is taken by the master it lies on, if that has none of its own.
 *
 * Any choice is exact: whoever is of another generation is cold. That of an absent master is left alone, unless it lies
 * where another one's must.
 *
 * @throws CountersError
 */
export async function settleGenerations(session: CounterSession): Promise<void> {
  if (!session.isCluster) return;
  const found = (await Promise.all(session.masters.map((master) => generationsOn(session, master)))).flat();
  const all = [...session.masters, ...session.absent];
  const ownerOf = ({ nodes }: Found) =>
    all.find((one) => one.nodes[0] === nodes[0]) ?? all.find((one) => nodes.includes(one.nodes[0]!));
  const chosen = new Map<Master, Found | undefined>();
  for (const master of session.masters) {
    const own = furthest(found.filter((one) => ownerOf(one) === master));
    const unclaimed = () => furthest(found.filter((one) => one.master === master && !ownerOf(one)));
    const one = own ?? unclaimed();
    chosen.set(master, one);
    const present = found.find((other) => other.master === master && other.tag === master.tag);
    if (one === undefined || (one === present && ownerOf(one) === master)) continue;
    const fields = Object.entries({ ...one.fields, nodes: master.nodes.join(' ') }).flat();
    await session.run(master, 'bring-generation', [master.generationKey], [present?.id ?? '', ...fields]);
  }
  for (const one of found) {
    const { id, tag, master } = one;
    const isInPlace = tag === master.tag;
    const owner = ownerOf(one);
    if (isInPlace ? chosen.get(master) : session.absent.some((absent) => absent === owner)) continue;
    await session.run(master, 'drop-generation', [generationKey(tag), fillQueueKey(tag)], [id]);
  }
}

function furthest(found: readonly Found[]): Found | undefined {
  return found.toSorted((a, b) => countedThrough(b) - countedThrough(a))[0];
}

function countedThrough({ checkpoints }: Generation): number {
  return [...checkpoints.values()].reduce((sum, offset) => sum + offset, 0);
}

async function generationsOn(session: CounterSession, master: Master): Promise<Found[]> {
  return session.endOnError(master, async () => {
    const tags = tagsWithin(master.slots);
    const pipeline = master.redis.pipeline();
    for (const tag of tags) pipeline.exists(generationKey(tag));
    const replies = (await pipeline.exec())!.map(([error, reply]) => {
      // Of a slot that is being moved, a node says so only if the key is not there.
      if (error !== null && !error.message.startsWith('ASK ')) throw error;
      return reply === 1;
    });
    const found: Found[] = [];
    for (const tag of tags.filter((_, i) => replies[i])) {
      const fields = await master.redis.hgetall(generationKey(tag));
      const generation = parseGeneration(Object.entries(fields));
      if (generation !== undefined) found.push({ ...generation, master, tag, fields });
    }
    return found;
  });
}
