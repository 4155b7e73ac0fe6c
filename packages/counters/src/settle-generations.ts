import { randomUUID } from 'node:crypto';
import { CountersError } from './errors.ts';
import { type Generation, parseGeneration, slotsNow } from './generation.ts';
import { fillQueueKey, generationKey } from './keys.ts';
import { tagsWithin } from './masters.ts';
import type { CounterSession, Master } from './session.ts';
import { joinSlots, type Slots, slotsText, splitSlots } from './slots.ts';

/** A generation where it lies. */
interface Found extends Generation {
  master: Master;
  tag: number;
  fields: Record<string, string>;
}

/**
 * Brings every master's generation to the key where all processes look for it, removes the others, and notes the slots,
 * unless they are adopted as another process has noted them.
 *
 * A generation lies on a hash slot. When slots move, it may leave its master, or the master may get a slot whose key
 * comes before that of its own generation. Where it lies, another one may have been forgotten long ago, with checkpoints
 * of that time. So each master has the generation that names it or the master that it replaced, and of several the one
 * that counts furthest. A generation that names nobody in the cluster (its master was removed, or the cluster is a copy)
 * is taken by the master it lies on, if that has none of its own. Any choice is exact: whoever is of another generation
 * is cold. That of an absent master is left alone, unless it lies where another one's must.
 *
 * @returns ids of generations that must end, because slots came back to a master: their users may have been counted, or
 * left out, meanwhile, and still name the generation
 * @throws CountersError
 */
export async function settleGenerations(session: CounterSession, adoptsSlots = false): Promise<Set<string>> {
  if (!session.isCluster) return new Set();
  const found = (await Promise.all(session.masters.map((master) => generationsOn(session, master)))).flat();
  const all = [...session.masters, ...session.absent];
  const ownerOf = ({ nodes }: Found) =>
    all.find((one) => one.nodes[0] === nodes[0]) ?? all.find((one) => nodes.includes(one.nodes[0]!));
  const chosen = new Map<Master, Found>();
  for (const master of session.masters) {
    const own = furthest(found.filter((one) => ownerOf(one) === master));
    const one = own ?? furthest(found.filter((other) => other.master === master && !ownerOf(other)));
    if (one === undefined) continue;
    chosen.set(master, one);
    const present = found.find((other) => other.master === master && other.tag === master.tag);
    if (one === present && ownerOf(one) === master) continue;
    const fields = Object.entries({ ...one.fields, nodes: master.nodes.join(' ') }).flat();
    await session.run(master, 'bring-generation', [master.generationKey], [present?.id ?? '', ...fields]);
  }
  const ending = adoptsSlots ? new Set<string>() : await noteSlots(session, chosen);
  for (const one of found) {
    const { id, tag, master } = one;
    const owner = ownerOf(one);
    const stays = tag === master.tag ? chosen.has(master) : session.absent.some((absent) => absent === owner);
    if (stays) continue;
    await session.run(master, 'drop-generation', [generationKey(tag), fillQueueKey(tag)], [id]);
  }
  return ending;
}

/**
 * Notes which slots each master holds. First the slots that left a master, then those that came: a slot is never noted
 * for two masters, whoever is killed in between, and is recognized when it comes back.
 * @returns as `settleGenerations`
 */
async function noteSlots(session: CounterSession, chosen: ReadonlyMap<Master, Found>): Promise<Set<string>> {
  const ending = new Set<string>();
  const gains: (() => Promise<unknown>)[] = [];
  for (const [master, { id, slots, left, tenure, fields }] of chosen) {
    if (await areHere(session, master, splitSlots(slotsNow(master), left).among)) {
      ending.add(id);
      continue;
    }
    const now = slotsNow(master);
    const { among: kept, beyond: gone } = splitSlots(slots ?? now, now);
    const came = splitSlots(now, kept).beyond;
    const away = slotsText(joinSlots([...left, ...gone]));
    let before = { tenure, left: fields.left ?? '' };
    const note = async (noted: Slots) => {
      const after = { tenure: randomUUID(), left: away };
      const args = [id, before.tenure, after.tenure, slotsText(noted), before.left, after.left];
      before = after;
      if ((await session.run(master, 'take-slots', [master.generationKey], args)) === 1) return;
      throw new CountersError('COUNTERS_GENERATION', 'another process is noting the slots');
    };
    if (gone.length > 0) await note(kept);
    if (came.length > 0 || slots === undefined) gains.push(() => note(now));
  }
  for (const gain of gains) await gain();
  return ending;
}

/** Whether any of these slots is the master's now. Where slots move, what a session was told may be too old. */
async function areHere(session: CounterSession, master: Master, slots: Slots): Promise<boolean> {
  if (slots.length === 0) return false;
  return session.endOnError(master, async () => {
    const replies = await exist(session, master, tagsWithin(slots));
    return replies.some((reply) => reply !== 'moved');
  });
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
    const replies = await exist(session, master, tags);
    const found: Found[] = [];
    for (const tag of tags.filter((_, i) => replies[i] === 'present')) {
      const fields = await master.redis.hgetall(generationKey(tag));
      const generation = parseGeneration(Object.entries(fields));
      if (generation !== undefined) found.push({ ...generation, master, tag, fields });
    }
    return found;
  });
}

/** Which generation keys are on a master. While thousands of slots move one by one, every session is a little too old. */
async function exist(
  session: CounterSession,
  master: Master,
  tags: readonly number[],
): Promise<('present' | 'absent' | 'moved')[]> {
  const pipeline = master.redis.pipeline();
  for (const tag of tags) pipeline.exists(generationKey(tag));
  return (await pipeline.exec())!.map(([error, reply]) => {
    if (error === null) return reply === 1 ? 'present' : 'absent';
    if (error.message.startsWith('ASK ')) return 'absent';
    if (!error.message.startsWith('MOVED ')) throw error;
    session.noteMoved(master, error);
    return 'moved';
  });
}
