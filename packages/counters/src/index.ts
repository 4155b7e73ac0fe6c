export {
  addPieces,
  type FillProgress,
  type FillStatus,
  type Piece,
  readFillStatuses,
  requireDetail,
  type UserDaySums,
} from './add-pieces.ts';
export { type ApplyOutcome, applyEvents, type CountableEvent, type UserEvents } from './apply.ts';
export { advanceAsOf, type Checkpoint, writeCheckpoint, writeCheckpoints } from './checkpoints.ts';
export type { CounterSessionOptions } from './connection.ts';
export type { Detail } from './detail-arguments.ts';
export { eraseUsers, mastersBefore, noteErased } from './erase-users.ts';
export { CountersError, type CountersErrorCode } from './errors.ts';
export {
  dequeueUsers,
  type FillQueue,
  type QueuePosition,
  queuedUsers,
  queueFilling,
  queueUsers,
  readFillQueue,
  requeueUsers,
  reserveUsers,
} from './fill-queue.ts';
export { acquireFillSlot, releaseFillSlot, withFillSlot } from './fill-slots.ts';
export {
  CELLS_MAX,
  ensureGenerations,
  findGeneration,
  type Generation,
  type Generations,
  hasGeneration,
  readGenerations,
} from './generation.ts';
export { firstDayOfWrittenDetail, firstDayWithDetail, firstKeptDay, keepsDetail } from './keys.ts';
export { SLOTS_MOVED } from './masters.ts';
export { nextTurn } from './next-turn.ts';
export { forgetOldKeys } from './old-keys.ts';
export { type Claim, claimUsers, forgetUsers, NOTHING_FILLED, openUsers } from './open-users.ts';
export { type Reach, reachOf } from './reach.ts';
export { type CountersReading, readBuckets } from './read-buckets.ts';
export { type CellsReading, readCells } from './read-cells.ts';
export { type CountersDigest, readDigests } from './read-digests.ts';
export { firstDayWithHalfHours, readSegments, type SegmentsReading } from './read-segments.ts';
export { type Remembered, rememberedBy } from './remembered.ts';
export { requireSuitableRedis } from './require-suitable-redis.ts';
export { CounterSession, type Master } from './session.ts';
export { settleGenerations } from './settle-generations.ts';
export { type CellsSnapshot, snapshotUser, snapshotUsers, type UserSnapshot } from './snapshot.ts';
export {
  type CurrentCalls,
  readWindowSums,
  recallWindowSums,
  type WindowReading,
  type WindowSums,
} from './window-sums.ts';
