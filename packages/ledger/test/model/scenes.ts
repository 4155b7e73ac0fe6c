import { putMongoBack } from './accidents.ts';
import { AS_OF_SCENES } from './as-of-scenes.ts';
import { ALL_CELLS, CELLS_SCENES } from './cells-scenes.ts';
import { slotOf } from './cluster.ts';
import { CORRECTION_SCENES } from './correction-scenes.ts';
import { HALF_HOURS_SCENES } from './half-hours-scenes.ts';
import type { Scene } from './play.ts';
import {
  A,
  countedOnCluster,
  loseCallThatCameTwice,
  openedUser,
  playUpTo,
  send,
  startUpTo,
  storedOnCluster,
  whole,
} from './prepare.ts';
import { open } from './readers.ts';
import { audit, consumer, fill, openAnew, replay, SLOW_CLOCK_MS } from './workers.ts';

/** Who is at work, and what may happen to them; small enough to be searched to the end. */
export const SCENES = {
  'two consumers of one partition, a cold user': {
    cellsMax: ALL_CELLS,
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
  'two partitions count a user who is being filled': {
    allowed: {},
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(0, A));
      send(world, 1, world.call(1, A));
      await startUpTo(world, 'insert', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'insert', 'consumer 1', consumer(1, 1));
      await startUpTo(world, 'add up', 'filler', fill([A], 1));
    },
  },
  'a user is reopened while others count': {
    allowed: { kills: 1 },
    async prepare(world) {
      await openedUser(world);
      await whole(world, 'filler', fill([A], 1));
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'DEL', 'reopen', openAnew([A]));
    },
  },
  'a slow opener, and a user who is forgotten': {
    allowed: { forgets: 1 },
    async prepare(world) {
      send(world, 0, undefined);
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'read progress', 'api', open([A]));
    },
  },
  'two fillers of one user': {
    large: true,
    allowed: { kills: 1 },
    async prepare(world) {
      await openedUser(world);
      await startUpTo(world, 'fill-status', 'filler', fill([A], 3));
      await startUpTo(world, 'fill-status', 'other', fill([A], 3));
    },
  },
  'a filler whose clock is slow, after another': {
    allowed: { kills: 1 },
    async prepare(world) {
      await openedUser(world);
      await startUpTo(world, 'add up', 'filler', fill([A], 1));
      await startUpTo(world, 'fill-status', 'slow', fill([A], 2), SLOW_CLOCK_MS);
    },
  },
  'a filler, and a user who is reopened at more': {
    allowed: { kills: 1 },
    async prepare(world) {
      await openedUser(world);
      await startUpTo(world, 'add up', 'filler', fill([A], 1));
      const [filler] = world.workers.splice(0);
      send(world, 0, world.call(0, A));
      await whole(world, 'consumer', consumer(0, 1));
      world.workers.push(filler!);
      await startUpTo(world, 'DEL', 'reopen', openAnew([A]));
    },
  },
  'a user is forgotten while being filled': {
    allowed: { forgets: 1 },
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'add up', 'filler', fill([A], 1));
    },
  },
  'a half-filled user is audited while others count and fill': {
    large: true,
    allowed: {},
    async prepare(world) {
      await openedUser(world);
      await whole(world, 'first filler', fill([A], 1));
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'add up', 'filler', fill([A], 1));
      await startUpTo(
        world,
        'snapshot',
        'verify',
        audit([A], (differences) => {
          if (differences.length > 0) world.breach = `verify says ${JSON.stringify(differences)}`;
        }),
      );
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
  'a half-filled user, and Redis goes back to a dump': {
    large: true,
    allowed: { dumps: 1, redisPutBacks: 1 },
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'add up', 'filler', fill([A]));
    },
  },
  'Redis is emptied, and a filler goes on': {
    large: true,
    allowed: { flushes: 1 },
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'add up', 'filler', fill([A], 2));
    },
  },
  'another generation, and a filler and an opener of the one before': {
    allowed: {},
    async prepare(world) {
      await openedUser(world);
      await startUpTo(world, 'add up', 'filler', fill([A], 2));
      await startUpTo(world, 'DEL', 'reopen', openAnew([A]));
      const before = world.workers.splice(0);
      world.redis.putBack(new Map());
      send(world, 0, world.call(0, A));
      await whole(world, 'consumer', consumer(0, 1));
      world.workers.push(...before);
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
  'ingest reads a row again that Mongo lost, of a call that came twice': {
    allowed: { openers: 1 },
    async prepare(world) {
      await loseCallThatCameTwice(world);
      world.topic.committed[1] = 0;
      await world.start('consumer', consumer(1, 1));
    },
  },
  'replay brings back a row that Mongo lost, of a call that came twice': {
    allowed: { openers: 1 },
    async prepare(world) {
      await loseCallThatCameTwice(world);
      await world.start('replay', replay(1, 0, 1));
    },
  },
  'replay brings back a row while a piece is added up': {
    large: true,
    allowed: {},
    async prepare(world) {
      await loseCallThatCameTwice(world, false);
      await startUpTo(world, 'fill-status', 'filler', fill([A], 2));
      await world.start('replay', replay(1, 0, 1));
    },
  },
  'Mongo went back, a slow consumer writes a checkpoint, and another starts': {
    large: true,
    allowed: {},
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await startUpTo(world, 'checkpoint', 'slow', consumer(0, 1));
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
  'a master is back': {
    isCluster: true,
    allowed: { kills: 1 },
    async prepare(world) {
      const cluster = await countedOnCluster(world);
      cluster.away.add(0);
      send(world, 0, world.call(1, A));
      await whole(world, 'second', consumer(0, 1));
      cluster.away.delete(0);
      send(world, 0, world.call(2, A));
      await world.start('third', consumer(0, 1));
    },
  },
  'a slot leaves a master that is away for a slow consumer': {
    isCluster: true,
    large: true,
    allowed: {},
    async prepare(world) {
      const cluster = await countedOnCluster(world);
      cluster.away.add(0);
      send(world, 0, world.call(1, A));
      await startUpTo(world, 'raise', 'slow', consumer(0, 1));
      cluster.away.delete(0);
      cluster.move(slotOf(A), 1);
      send(world, 1, world.call(2, A));
      await startUpTo(world, 'claim', 'other', consumer(1, 1));
    },
  },
  'a slot leaves for a moment, while its user is counted': {
    isCluster: true,
    large: true,
    allowed: {},
    async prepare(world) {
      const cluster = await storedOnCluster(world);
      cluster.move(slotOf(A), 1);
      const [slow] = world.workers;
      await playUpTo(world, slow!, 'checkpoint');
      cluster.move(slotOf(A), 0);
      send(world, 0, world.call(2, A));
      await world.start('next', consumer(0, 1));
    },
  },
  'a slot leaves for a moment, while another process notes the slots': {
    isCluster: true,
    large: true,
    allowed: {},
    async prepare(world) {
      const cluster = await storedOnCluster(world);
      // The slot that moves with the user's is another one, so that the slots have to be noted.
      cluster.move(cluster.slots[1]!, 0);
      await startUpTo(world, 'take-slots', 'other', consumer(1, 1));
      const [slow, other] = world.workers;
      // The other master has lost its slot; this one has to note that it came.
      await world.takeEffect(other!, other!.sent[0]!);
      await playUpTo(world, other!, 'take-slots');
      cluster.move(slotOf(A), 1);
      // Through the checkpoint that notes the slot: its master has no other user of the batch.
      await playUpTo(world, slow!, 'commit');
      await playUpTo(world, slow!, 'ask');
      cluster.move(slotOf(A), 0);
      send(world, 1, world.call(2, A));
      world.workers.reverse();
    },
  },
  'a slot comes back, after its users were left out elsewhere': {
    isCluster: true,
    allowed: { kills: 1 },
    async prepare(world) {
      const cluster = await countedOnCluster(world);
      cluster.move(slotOf(A), 1);
      send(world, 1, undefined);
      await whole(world, 'second', consumer(1, 1));
      cluster.away.add(1);
      send(world, 0, world.call(1, A));
      await whole(world, 'third', consumer(0, 1));
      cluster.away.delete(1);
      cluster.move(slotOf(A), 0);
      send(world, 1, world.call(2, A));
      await world.start('last', consumer(1, 1));
    },
  },
  ...AS_OF_SCENES,
  ...CELLS_SCENES,
  ...HALF_HOURS_SCENES,
  ...CORRECTION_SCENES,
} satisfies Record<string, Scene>;
