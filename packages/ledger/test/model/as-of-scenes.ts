import type { Scene } from './play.ts';
import { A, B, send, startUpTo, whole } from './prepare.ts';
import { consumer } from './workers.ts';

/** Of masters that hear of a checkpoint later, and of as-of. */
export const AS_OF_SCENES = {
  'users of two masters, in batches of one each': {
    isCluster: true,
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A), world.call(1, B));
      await whole(world, 'first', consumer(0, 1));
      send(world, 0, world.call(2, A), world.call(3, B));
      await world.start('second', consumer(0, 1));
    },
  },
  'as-of of two partitions': {
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A));
      await whole(world, 'first', consumer(0, 1, true));
      send(world, 1, world.call(1, A));
      send(world, 0, world.call(2, A));
      await startUpTo(world, 'checkpoint', 'consumer 0', consumer(0, 1, true));
      await startUpTo(world, 'insert', 'consumer 1', consumer(1, 1, true));
    },
  },
} satisfies Record<string, Scene>;
