import type { Scene } from './play.ts';
import { A, countedCall, openedByBoth, openedUser, send, startUpTo, whole } from './prepare.ts';
import { breakdown } from './readers.ts';
import { wrongBreakdown } from './readings.ts';
import { consumer, fill, openAnew } from './workers.ts';
import type { World } from './world.ts';

/** So many that no scene reaches it. */
export const ALL_CELLS = 1_000;

/** Of sums by cell, and of months that get more cells than are kept. */
export const CELLS_SCENES = {
  'two partitions name cells of one month': {
    cellsMax: ALL_CELLS,
    allowed: { kills: 1 },
    async prepare(world) {
      await openedByBoth(world);
      send(world, 0, world.call(0, A));
      send(world, 1, world.call(1, A));
      await startUpTo(world, 'apply', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'apply', 'consumer 1', consumer(1, 1));
    },
  },
  'a month gets too many cells while its user is filled': {
    cellsMax: 2,
    allowed: {},
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(0, A));
      send(world, 1, world.call(1, A));
      await startUpTo(world, 'apply', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'apply', 'consumer 1', consumer(1, 1));
      await startUpTo(world, 'add up', 'filler', fill([A]));
    },
  },
  'a piece has too many cells while its user is counted': {
    cellsMax: 2,
    allowed: { kills: 1 },
    async prepare(world) {
      send(world, 0, world.call(0, A), world.call(1, A), world.call(2, A));
      await whole(world, 'first', consumer(0, 3));
      send(world, 1, world.call(4, A));
      await startUpTo(world, 'apply', 'consumer', consumer(1, 1));
      await startUpTo(world, 'add up', 'filler', fill([A]));
    },
  },
  'a month that had too many cells is filled again': {
    cellsMax: 2,
    large: true,
    allowed: {},
    async prepare(world) {
      send(world, 0, world.call(0, A), world.call(1, A), world.call(2, A));
      await whole(world, 'first', consumer(0, 3));
      await whole(world, 'filler', fill([A]));
      send(world, 1, world.deletion(world.call(2, A), 1), world.call(4, A));
      await startUpTo(world, 'apply', 'consumer', consumer(1, 1));
      await startUpTo(world, 'DEL', 'reopen', openAnew([A]));
      await world.start('second filler', fill([A]));
    },
  },
  'a breakdown is read while a call changes its cell': {
    cellsMax: ALL_CELLS,
    allowed: {},
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 2), world.deletion(call, 3));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer', consumer(0, 1));
      await startUpTo(world, 'cells', 'reader', judgedBreakdown(world));
    },
  },
  'a breakdown is read while its first day is counted': {
    cellsMax: ALL_CELLS,
    allowed: {},
    async prepare(world) {
      await countedCall(world);
      // On the first day of the range, which is read from Mongo.
      const call = world.call(6, A);
      send(world, 0, { ...call, startedAt: call.startedAt + 60_000 });
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'cells', 'reader', judgedBreakdown(world));
    },
  },
  'a breakdown is read while a month gets too many cells': {
    cellsMax: 1,
    allowed: {},
    async prepare(world) {
      await countedCall(world);
      send(world, 0, world.call(1, A), world.call(2, A));
      await startUpTo(world, 'insert', 'consumer', consumer(0, 1));
      await startUpTo(world, 'cells', 'reader', judgedBreakdown(world));
    },
  },
} satisfies Record<string, Scene>;

function judgedBreakdown(world: World) {
  return breakdown(A, (found) => {
    world.breach ??= wrongBreakdown(world, A, found);
  });
}
