export {
  type ApiKeyOwner,
  type ApiKeyRow,
  type ApiKeyScope,
  ApiKeys,
  hashApiKey,
  looksLikeApiKey,
} from './api-keys.ts';
export {
  type CallContent,
  type CallRow,
  callIdOf,
  cellOfContent,
  contentOf,
  correctionId,
  rowId,
  type Source,
  sameContent,
  sameSource,
  toRow,
} from './call-row.ts';
export { Calls, type Standing } from './calls.ts';
export { type CorrectionRow, Corrections } from './corrections.ts';
export { type DeadLetterState, type DeadLetterStatus, DeadLetterStatuses } from './dead-letter-statuses.ts';
export { ErasedCalls } from './erased-calls.ts';
export { type ErasureRow, type ErasureState, Erasures, isErased, type TopicEnds } from './erasures.ts';
export { meaningOf, StoreError, type StoreErrorCode } from './errors.ts';
export { type HookReceiptRow, HookReceipts } from './hook-receipts.ts';
export {
  type DeletedHookRow,
  type HookRow,
  type HookSecretRow,
  Hooks,
  newHookId,
  newHookSecretId,
} from './hooks.ts';
export { openStore, type Store, type StoreSettings } from './open-store.ts';
export type { PartitionDayTally } from './partition-day-tally.ts';
export { type OffsetVector, Progress, partitionId } from './progress.ts';
export { type RebuildState, Rebuilds } from './rebuilds.ts';
export {
  type CellRangeTally,
  type Cut,
  type CutOrAsk,
  cutAt,
  type DayBounds,
  type DurationBinTally,
  type DurationTally,
  Tallies,
} from './tallies.ts';
export { Upgrade } from './upgrade.ts';
export { type UserCalls, Users } from './users.ts';
