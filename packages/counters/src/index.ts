export { type ApplyOutcome, applyEvents, type CountableEvent, type UserEvents } from './apply.ts';
export type { CounterSessionOptions } from './connection.ts';
export { CountersError, type CountersErrorCode } from './errors.ts';
export {
  addPieces,
  type FillProgress,
  type FillStatus,
  type Piece,
  readFillStatuses,
  type UserDaySums,
} from './fill.ts';
export {
  acquireFillSlot,
  dequeueUsers,
  type FillQueue,
  type QueuePlace,
  queuedUsers,
  queueFilling,
  queueUsers,
  readFillQueue,
  releaseFillSlot,
  requeueUsers,
  reserveUsers,
} from './fill-queue.ts';
export { forgetUsers } from './forget-users.ts';
export {
  ensureGenerations,
  type Generation,
  type Generations,
  raiseCheckpoint,
  readGenerations,
} from './generation.ts';
export { firstKeptDay } from './keys.ts';
export { withinLoopTime } from './loop-time.ts';
export { type Claim, claimUsers, NOTHING_FILLED, openUsers } from './open.ts';
export { type CountersReading, readBuckets } from './read.ts';
export { type CountersDigest, readDigests } from './read-digests.ts';
export { readSegments, type SegmentsReading } from './read-segments.ts';
export { readWindowSums } from './read-window-sums.ts';
export { requireSuitableRedis } from './require-suitable-redis.ts';
export { CounterSession } from './session.ts';
export { snapshotUser, snapshotUsers, type UserSnapshot } from './snapshot.ts';
export type { CurrentCalls, WindowReading, WindowSums } from './window-sums.ts';
