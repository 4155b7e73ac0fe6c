import { ALL_CELLS } from './cells-scenes.ts';
import type { Scene } from './play.ts';
import { A, countedCall, openedUser, send, startUpTo, whole } from './prepare.ts';
import { dashboard, series } from './readers.ts';
import { wrongDashboard, wrongSeries } from './readings.ts';
import { consumer, fill, filler, openAnew } from './workers.ts';
import type { World } from './world.ts';

/** Of sums by half-hour, and of hours and time zones that are read from them. */
export const HALF_HOURS_SCENES = {
  'days of a time zone are read while a call moves to another time': {
    cellsMax: ALL_CELLS,
    allowed: {},
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 1), world.deletion(call, 2));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer', consumer(0, 1));
      await startUpTo(world, 'segments', 'reader', judgedDays(world));
    },
  },
  'a user with a call that moved is filled again, and counted': {
    cellsMax: ALL_CELLS,
    allowed: { kills: 1 },
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 1));
      await whole(world, 'second', consumer(0, 1));
      await whole(world, 'reopen', openAnew([A]));
      send(world, 1, world.call(2, A));
      await startUpTo(world, 'apply', 'consumer', consumer(1, 1));
      await startUpTo(world, 'add up', 'filler', fill([A]));
    },
  },
  'a time zone is read while its user is filled': {
    cellsMax: ALL_CELLS,
    large: true,
    allowed: {},
    async prepare(world) {
      await openedUser(world);
      send(world, 0, world.call(5, A));
      await whole(world, 'second', consumer(0, 1));
      await whole(world, 'reopen', openAnew([A]));
      await world.start('filler', filler());
      await startUpTo(world, 'segments', 'reader', judgedZone(world));
    },
  },
} satisfies Record<string, Scene>;

function judgedDays(world: World) {
  return series(
    A,
    (found) => {
      world.breach ??= wrongSeries(world, A, found);
    },
    { interval: 'day', timeZone: 'Asia/Kolkata' },
  );
}

function judgedZone(world: World) {
  return dashboard(
    A,
    (found) => {
      world.breach ??= wrongDashboard(world, A, found);
    },
    { timeZone: 'Asia/Kolkata' },
  );
}
