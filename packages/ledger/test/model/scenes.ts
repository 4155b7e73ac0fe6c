import type { Call } from '@calltally/domain';
import { putMongoBack } from './accidents.ts';
import { finish, type Scene } from './play.ts';
import { consumer, RESPECT_MS, recount, replay, type Work } from './workers.ts';
import { USERS, type World } from './world.ts';

const [A] = USERS as [string];

/** Lets a worker do all of its work before anything else happens. */
async function whole(world: World, name: string, work: Work): Promise<void> {
  await world.start(name, work);
  await finish(world, async (step) => {
    await step.take();
    return true;
  });
}

/** Starts a worker that has done everything before its first command that begins so. */
async function startUpTo(world: World, command: string, name: string, work: Work): Promise<void> {
  const worker = await world.start(name, work);
  while (!worker.sent[0]!.text.startsWith(command)) await world.takeEffect(worker, worker.sent[0]!);
}

function send(world: World, partition: number, ...calls: (Call | undefined)[]): void {
  world.topic.log[partition]!.push(...calls);
}

/** A call that counts by the event of one partition, and whose row can come back by that of the other. */
async function loseCallThatCameTwice(world: World): Promise<void> {
  send(world, 0, world.call(0, A));
  await whole(world, 'first', consumer(0, 1));
  send(world, 1, world.call(0, A));
  await whole(world, 'second', consumer(1, 1));
  world.mongo.calls.delete('c0');
  world.lostRows = true;
}

/** Small enough to be searched to the end: who is at work, and what may happen to them. */
export const SCENES = {
  'two consumers of one partition, a cold user': {
    large: true,
    allowed: {},
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'insert', 'zombie', consumer(0, 1));
    },
  },
  'one call by two partitions': {
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      send(world, 1, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'insert', 'consumer 1', consumer(1, 1));
    },
  },
  'a warm user is recounted while others count': {
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(1, A));
      send(world, 1, world.call(2, A));
      await startUpTo(world, 'insert', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'lease', 'rebuild', recount([A], true, 0));
      await startUpTo(world, 'lease', 'api', recount([A], false, RESPECT_MS));
    },
  },
  'a user is forgotten while being recounted': {
    allowed: { forgets: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(1, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'lease', 'rebuild', recount([A], true, 0));
    },
  },
  'Redis goes back to a dump': {
    allowed: { dumps: 1, redisPutBacks: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(1, A), world.call(2, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
    },
  },
  'Redis is emptied': {
    large: true,
    allowed: { flushes: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A), undefined, world.call(1, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 2));
      await startUpTo(world, 'lease', 'rebuild', recount([A], true, 0));
    },
  },
  'commands that arrive late, from a consumer that has begun anew': {
    large: true,
    allowed: { cuts: 2 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(1, A), world.call(2, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
    },
  },
  'replay of stored events while they are counted': {
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(1, A), world.call(2, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 2));
      await world.start('replay', replay(0, 2, 2));
    },
  },
  'ingest goes back over a row that Mongo lost, of a call that came twice': {
    allowed: { recounts: 1 },
    async prepare(world) {
      await loseCallThatCameTwice(world);
      world.topic.committed[1] = 0;
      await world.start('consumer', consumer(1, 1));
    },
  },
  'replay brings back a row that Mongo lost, of a call that came twice': {
    allowed: { recounts: 1 },
    async prepare(world) {
      await loseCallThatCameTwice(world);
      await world.start('replay', replay(1, 0, 1));
    },
  },
  'Mongo went back, a slow consumer marks, and another begins': {
    large: true,
    allowed: {},
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'mark', 'slow', consumer(0, 1));
      const backup = world.mongo.backUp();
      const [slow] = world.workers.splice(0);
      send(world, 0, world.call(1, A));
      await whole(world, 'fast', consumer(0, 2));
      world.workers.push(slow!);
      send(world, 1, world.call(1, A));
      await putMongoBack(world, backup);
      await world.start('other', consumer(1, 1));
    },
  },
} satisfies Record<string, Scene>;
