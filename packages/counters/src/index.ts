export { type Applied, applyEvents, type CountableEvent, type UserEvents } from './apply.ts';
export type { CountersSettings } from './connection.ts';
export { CountersError, type CountersErrorCode } from './errors.ts';
export { type Filling, fillUsers, type Piece, type Standing, type SumsOfUser, standingOf } from './fill.ts';
export {
  dequeueUsers,
  type FillQueue,
  queuedUsers,
  queueFilling,
  queueUsers,
  readFillQueue,
  releaseFillSlot,
  requeueUsers,
  takeFillSlot,
  takeUsers,
  type Waiting,
} from './fill-queue.ts';
export { forgetUsers } from './forget.ts';
export {
  beginGenerations,
  type Generation,
  type Generations,
  markPartition,
  readGenerations,
} from './generation.ts';
export { firstKeptDay } from './keys.ts';
export { withinLoopTime } from './loop-time.ts';
export { type Claim, claimUsers, NOTHING_FILLED, openUsers } from './open.ts';
export { type CountersReading, readBuckets } from './read.ts';
export { readReady } from './read-ready.ts';
export { readUnits, type UnitsReading } from './read-units.ts';
export { type CountersVersion, readVersions } from './read-versions.ts';
export type { CurrentCalls, ReadyReading, ReadySums } from './ready.ts';
export { CounterSession } from './session.ts';
export { snapshotUser, snapshotUsers, type UserSnapshot } from './snapshot.ts';
export { requireSuitableRedis } from './suitable.ts';
