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
 * of that time. So each master has the generation that names it; of several the one that counts furthest. A generation
 * that names nobody in the cluster (its master was removed, or the cluster is a copy) is taken by the master it lies on
 * if that has none of its own.
 *
 * Any choice is exact: whoever is of another generation is cold. While a master is absent nothing is removed, because it
 * may be the one that a generation names.
 *
 * @throws CountersError
 */
export async function settleGenerations(session: CounterSession): Promise<void> {
  if (!session.isCluster) return;
  const found = (await Promise.all(session.masters.map((master) => generationsOn(session, master)))).flat();
  const shards = new Set(session.masters.flatMap(({ shard }) => shard ?? []));
  const isComplete = session.absent.length === 0;
  const isUnclaimed = ({ shard }: Found) => shard === undefined || (isComplete && !shards.has(shard));
  for (const master of session.masters) {
    const own = found.filter(({ shard }) => shard !== undefined && shard === master.shard);
    const here = found.filter((one) => one.master === master && isUnclaimed(one));
    const chosen = furthest(own) ?? furthest(here);
    const present = found.find((one) => one.master === master && one.tag === master.tag);
    if (chosen === undefined || (chosen === present && chosen.shard === master.shard)) continue;
    const fields = Object.entries({ ...chosen.fields, ...(master.shard && { shard: master.shard }) }).flat();
    await session.run(master, 'bring-generation', [master.generationKey], [present?.id ?? '', ...fields]);
  }
  if (!isComplete) return;
  for (const { id, tag, master } of found) {
    if (tag === master.tag) continue;
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
      if (error !== null) throw error;
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
