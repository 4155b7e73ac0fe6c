import { correctionId, rowId } from '@calltally/store';
import type { Scene } from './play.ts';
import { A, countedCall, letWait, openedByBoth, playUpTo, send, startUpTo, whole } from './prepare.ts';
import { dashboard } from './readers.ts';
import { wrongDashboard } from './readings.ts';
import { consumer, fill, replay } from './workers.ts';
import type { World } from './world.ts';

/** Of calls that are corrected and taken back. */
export const CORRECTION_SCENES = {
  'two partitions race for the next correction of a call': {
    large: true,
    allowed: { kills: 1 },
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 1));
      send(world, 1, world.correction(2, call, 2));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer 1', consumer(1, 1));
    },
  },
  'a correction is written, and its consumer is killed': {
    allowed: { kills: 1 },
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 1));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer', consumer(0, 1));
    },
  },
  'a correction of a call that another partition has stored and not applied': {
    large: true,
    allowed: {},
    async prepare(world) {
      await openedByBoth(world);
      const call = world.call(0, A);
      send(world, 0, call);
      await startUpTo(world, 'apply', 'consumer 0', consumer(0, 1));
      send(world, 1, world.correction(1, call, 1));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer 1', consumer(1, 1));
    },
  },
  'two batches that build on each other': {
    large: true,
    allowed: {},
    async prepare(world) {
      await openedByBoth(world);
      const [c0, c1] = [world.call(0, A), world.call(1, A)];
      send(world, 0, c0, world.correction(2, c1, 1));
      send(world, 1, c1, world.correction(3, c0, 1));
      await startUpTo(world, 'insert u-a/c1', 'consumer 0', consumer(0, 2));
      const [first] = world.workers;
      await startUpTo(world, 'insert u-a/c0/1', 'consumer 1', consumer(1, 2));
      await playUpTo(world, first!, 'insert u-a/c1/1');
    },
  },
  'a user is opened at a correction, and not at what it needs': {
    large: true,
    allowed: {},
    async prepare(world) {
      const call = world.call(0, A);
      send(world, 1, call);
      await startUpTo(world, 'raise 0:1 {"stored":0', 'consumer 1', consumer(1, 1));
      send(world, 0, world.correction(1, call, 1));
      await startUpTo(world, 'apply', 'consumer 0', consumer(0, 1));
      await world.start('filler', fill([A]));
      letWait(world);
    },
  },
  'a call is deleted before it comes': {
    large: true,
    allowed: { kills: 1 },
    async prepare(world) {
      const call = world.call(0, A);
      send(world, 0, call);
      send(world, 1, world.deletion(call, 1), world.correction(1, call, 2));
      await startUpTo(world, 'insert', 'consumer 0', consumer(0, 1));
      await startUpTo(world, 'insert', 'consumer 1', consumer(1, 2));
    },
  },
  'Mongo is read while two partitions correct a call': {
    large: true,
    allowed: {},
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 1, world.correction(1, call, 1));
      await startUpTo(world, 'raise 0:1 {"stored":0', 'consumer 1', consumer(1, 1));
      send(world, 0, world.correction(2, call, 2));
      await startUpTo(world, 'insert u-a/c0/2', 'consumer 0', consumer(0, 1));
      await world.start('reader', judgedDashboard(world, true));
      letWait(world);
    },
  },
  'counters and edges are read while a call is corrected': {
    large: true,
    allowed: {},
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 0, world.correction(1, call, 1), world.deletion(call, 2));
      await startUpTo(world, 'insert u-a/c0/1', 'consumer', consumer(0, 1));
      await startUpTo(world, 'buckets', 'reader', judgedDashboard(world, false));
    },
  },
  'Redis goes back to a dump, and a call is corrected by two partitions': {
    large: true,
    allowed: { dumps: 1, redisPutBacks: 1 },
    async prepare(world) {
      const call = await countedCall(world);
      send(world, 1, world.correction(1, call, 1));
      await startUpTo(world, 'apply', 'consumer 1', consumer(1, 1));
      send(world, 0, world.correction(2, call, 2));
      await startUpTo(world, 'apply', 'consumer 0', consumer(0, 1));
    },
  },
  'ingest reads a correction again that Mongo lost': {
    allowed: { openers: 1 },
    async prepare(world) {
      await correctedCall(world);
      world.mongo.corrections.delete(correctionId(rowId(world.call(0, A)), 1));
      world.lostRows = true;
      world.topic.committed[0] = 0;
      await world.start('consumer', consumer(0, 2));
    },
  },
  'replay brings back the row of a corrected call': {
    allowed: { openers: 1 },
    async prepare(world) {
      await correctedCall(world);
      world.mongo.calls.delete(rowId(world.call(0, A)));
      world.lostRows = true;
      await world.start('replay', replay(0, 0, 2));
    },
  },
} satisfies Record<string, Scene>;

/** A call that is counted, and corrected twice. */
async function correctedCall(world: World): Promise<void> {
  const call = await countedCall(world);
  send(world, 0, world.correction(1, call, 1), world.correction(2, call, 2));
  await whole(world, 'second', consumer(0, 2));
}

function judgedDashboard(world: World, fromRows: boolean) {
  return dashboard(
    A,
    (found) => {
      world.breach ??= wrongDashboard(world, A, found);
    },
    { fromRows },
  );
}
