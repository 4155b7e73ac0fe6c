import type { CallVersion } from '@calltally/domain';
import { rowId } from '@calltally/store';
import type { Cluster } from './cluster.ts';
import { finish } from './play.ts';
import type { Worker } from './turns.ts';
import { consumer, fill, type Work } from './workers.ts';
import { USERS, type World } from './world.ts';

export const [A, B] = USERS as [string, string];

/** Lets a worker finish before anything else happens. */
export async function whole(world: World, name: string, work: Work): Promise<void> {
  await world.start(name, work);
  await finish(world, async (step) => {
    await step.take();
    return true;
  });
}

/** Starts a worker, and plays it up to its first command with this prefix. */
export async function startUpTo(
  world: World,
  command: string,
  name: string,
  work: Work,
  clockMs?: number,
): Promise<void> {
  await playUpTo(world, await world.start(name, work, clockMs), command);
}

/** Plays a worker up to its next command with this prefix. */
export async function playUpTo(world: World, worker: Worker, command: string): Promise<void> {
  while (!worker.sent[0]!.text.startsWith(command)) await world.takeEffect(worker, worker.sent[0]!);
}

/** A user on master 0 with a call that is counted, and a consumer that has stored another one but not applied it. */
export async function storedOnCluster(world: World): Promise<Cluster> {
  const cluster = await countedOnCluster(world);
  send(world, 0, world.call(1, A));
  await startUpTo(world, 'raise', 'slow', consumer(0, 1));
  return cluster;
}

/** A user with an old call and one ahead of the clock, opened by ingest and not filled: two pieces. */
export async function openedUser(world: World): Promise<void> {
  send(world, 0, world.call(3, A), world.call(4, A));
  await whole(world, 'first', consumer(0, 2));
}

export function send(world: World, partition: number, ...calls: (CallVersion | undefined)[]): void {
  world.topic.send(partition, ...calls);
}

/** A call that is counted by the event of one partition. Its row can come back by that of the other. */
export async function loseCallThatCameTwice(world: World, isFilled = true): Promise<void> {
  send(world, 0, world.call(0, A));
  await whole(world, 'first', consumer(0, 1));
  if (isFilled) await whole(world, 'filler', fill([A]));
  send(world, 1, world.call(0, A));
  await whole(world, 'second', consumer(1, 1));
  world.mongo.calls.delete(rowId(world.call(0, A)));
  world.lostRows = true;
}

/** A user on master 0 with a call that is counted. */
export async function countedOnCluster(world: World): Promise<Cluster> {
  send(world, 0, world.call(0, A));
  await whole(world, 'first', consumer(0, 1));
  return world.redis.cluster!;
}

/** A call that is counted, of a user who is complete. */
export async function countedCall(world: World) {
  const call = world.call(0, A);
  send(world, 0, call);
  await whole(world, 'first', consumer(0, 1));
  await whole(world, 'filler', fill([A]));
  return call;
}

/** A user who is complete, applied through an event of each partition. */
export async function openedByBoth(world: World): Promise<void> {
  for (const partition of [0, 1]) {
    send(world, partition, undefined);
    await whole(world, 'first', consumer(partition, 1));
  }
  await whole(world, 'filler', fill([A]));
}

/** The search begins with runs in which the worker that was started first is the last one to go on. */
export function letWait({ workers }: World): void {
  workers.push(workers.shift()!);
}
