import { setTimeout as sleep } from 'node:timers/promises';
import { probe } from '../probe.ts';
import { redisCli } from '../redis-cli.ts';
import type { ClusterNode } from './node.ts';

export const SLOTS = 16_384;
const WAIT_MS = 60_000;
const POLL_MS = 100;

/** What one node knows of another, or of itself. */
export interface Known {
  id: string;
  /** Such as `master`, `slave`, `fail?`, `fail`. */
  flags: string[];
  /** Of a replica. */
  masterId: string | undefined;
  /** Inclusive ranges. */
  slots: [number, number][];
}

/** All that a node knows of its cluster, by its own `CLUSTER NODES`. */
async function viewOf({ address }: ClusterNode): Promise<Known[]> {
  const lines = (await redisCli(address, 'CLUSTER', 'NODES')).split('\n');
  return lines.map((line) => {
    const [id = '', , flags = '', master, , , , , ...slots] = line.trim().split(' ');
    return {
      id,
      flags: flags.split(',').filter((flag) => flag !== 'myself'),
      masterId: master === '-' ? undefined : master,
      // Those in brackets are on their way.
      slots: slots
        .filter((range) => !range.startsWith('['))
        .map((range) => {
          const [first, last = first] = range.split('-').map(Number);
          return [first!, last!];
        }),
    };
  });
}

/** A stopped process (SIGSTOP) does not answer either. */
export async function answering(nodes: readonly ClusterNode[]): Promise<ClusterNode[]> {
  const answers = await Promise.all(
    nodes.map(({ port }) => probe(port, Buffer.from('PING\r\n'), (reply) => reply.includes('\r\n'))),
  );
  return nodes.filter((_, i) => answers[i]);
}

/** Waits until all nodes that answer know the same of the cluster, and returns it. */
export async function agreedView(
  nodes: readonly ClusterNode[],
  isRight: (view: Known[]) => boolean = () => true,
): Promise<Known[]> {
  for (const end = Date.now() + WAIT_MS; ; await sleep(POLL_MS)) {
    const views = await Promise.all((await answering(nodes)).map(viewOf));
    const texts = views.map((view) => JSON.stringify(view.toSorted((a, b) => (a.id < b.id ? -1 : 1))));
    if (views.length > 0 && new Set(texts).size === 1 && isRight(views[0]!)) return views[0]!;
    if (Date.now() > end) throw new Error(`the nodes of the cluster do not agree: ${texts.join('\n')}`);
  }
}

/** Waits until `holds`. @throws Error that says `what` was waited for */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + WAIT_MS; !(await holds()); await sleep(POLL_MS)) {
    if (Date.now() > end) throw new Error(`Redis Cluster: waited ${WAIT_MS / 1000} s until ${what}`);
  }
}

export function holds({ slots }: Known, slot: number): boolean {
  return slots.some(([first, last]) => slot >= first && slot <= last);
}

/** How many slots some nodes hold together. */
export function slotsHeld(view: readonly Known[]): number {
  return view.flatMap(({ slots }) => slots).reduce((sum, [first, last]) => sum + last - first + 1, 0);
}
