import { type CallIdentity, isDeleted } from '@calltally/domain';
import { type CallContent, contentOf, rowId, type Source, sameContent, sameSource } from '@calltally/store';
import { readable } from './mongo.ts';
import type { World } from './world.ts';

/** The row of a call, or the nth correction of it. */
export interface Link {
  id: string;
  source: Source;
  revision: number;
  /** What counts from here on; undefined while the call is deleted. */
  content: CallContent | undefined;
  /** It changes what counts. */
  changes: boolean;
  /** What Mongo tells that it needs. */
  needs: readonly Source[];
}

/** All that Mongo has of a call, in order: a row, and corrections by their numbers. */
export type Chain = readonly Link[];

/** By row id. A chain without a row begins with a correction. */
export function chainsOf({ mongo }: World, userId?: string): Map<string, Chain> {
  const links = new Map<string, [n: number, Link][]>();
  const add = (rowId: string, n: number, link: Link) => {
    links.set(rowId, [...(links.get(rowId) ?? []), [n, link]]);
  };
  for (const row of mongo.calls.values()) {
    if (userId !== undefined && row.user_id !== userId) continue;
    const { _id: id, source, revision = 0 } = row;
    const content = contentOf(row);
    add(id, 0, { id, source, revision, content, changes: content !== undefined, needs: [] });
  }
  for (const row of mongo.corrections.values()) {
    if (userId !== undefined && row.user_id !== userId) continue;
    const { _id: id, source, revision, plus: content, minus, needs = [] } = row;
    const [user, call, n] = id.split('\u001f');
    const changes = content !== undefined || minus !== undefined;
    add(`${user}\u001f${call}`, Number(n), { id, source, revision, content, changes, needs });
  }
  return new Map(
    [...links].map(([rowId, some]) => [rowId, some.sort(([a], [b]) => a - b).map(([, link]) => link)]),
  );
}

export function chainOf(world: World, call: CallIdentity): Chain | undefined {
  return chainsOf(world, call.userId).get(rowId(call));
}

/**
 * The part of a chain that counts at some cut: everything up to the first link that changes something and is not within.
 * So a sum has at most one version of a call in it, whatever partitions the others came by.
 */
export function countedOf(chain: Chain, isWithin: (link: Link, n: number) => boolean): Link[] {
  const end = chain.findIndex((link, n) => link.changes && !isWithin(link, n));
  return chain.slice(0, end === -1 ? chain.length : end).filter(({ changes }) => changes);
}

/** Each number once and no gap, growing revisions, and each correction takes away what counted before it. */
export function brokenChain(world: World): string | undefined {
  const { mongo, topic } = world;
  for (const [id, chain] of chainsOf(world)) {
    const told = () => chain.map((link) => `${readable(link.id)} of ${placeOf(link.source)}`).join(', ');
    for (const [n, link] of chain.entries()) {
      if (link.id !== (n === 0 ? id : `${id}\u001f${n}`)) return `a gap, or a number twice: ${told()}`;
      const event = topic.log[link.source.partition]![link.source.offset];
      if (event === undefined || rowId(event) !== id || (event.revision ?? 0) !== link.revision) {
        return `${readable(link.id)} is not of its event`;
      }
      if (isDeleted(event) !== (link.content === undefined))
        return `${readable(link.id)} is not what its event says`;
      if (n === 0) continue;
      const before = chain[n - 1]!;
      if (link.revision <= before.revision) return `a revision is not higher than the one before: ${told()}`;
      const { minus, replaces } = mongo.corrections.get(link.id)!;
      if (!sameContent(minus, before.content) || !sameSource(replaces, before.source)) {
        return `${readable(link.id)} does not take away what it replaces`;
      }
    }
  }
  return undefined;
}

function placeOf({ partition, offset }: Source): string {
  return `${partition}:${offset}`;
}
