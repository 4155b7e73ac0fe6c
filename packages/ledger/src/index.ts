export { writeCheckpoint } from '@calltally/counters';
export { type AuditResult, auditUsers } from './audit.ts';
export { type BreakdownReading, CellsReader } from './cells-reader.ts';
export { Checkpoints } from './checkpoints.ts';
export { ConcurrencyLimit } from './concurrency-limit.ts';
export { type CallHistory, judge, needsOf } from './correct.ts';
export { asOfOf, CountersLink, type LiveCounters } from './counters-link.ts';
export { DashboardReader, type DashboardReading } from './dashboard-reader.ts';
export type { BucketValues, Difference } from './differences.ts';
export { DurationsReader, type DurationsReading } from './durations-reader.ts';
export { type EraseParts, type ErasureStep, eraseUser, type PartitionWait } from './erase-user.ts';
export { LedgerError, type LedgerErrorCode } from './errors.ts';
export { fillPieces } from './fill-pieces.ts';
export { Filler } from './filler.ts';
export { GenerationPoll } from './generation-poll.ts';
export type { LedgerContext } from './ledger-context.ts';
export { openCold, reopen } from './open-cold.ts';
export { type PieceLimits, PieceReader, pieceReaderOf } from './piece-reader.ts';
export { type AnswerMeta, type AnswerSource, fallbackLimit } from './read-with-fallback.ts';
export { type CallBatch, type Recorded, recordBatch, restoreBatch } from './record.ts';
export { type Outcome, recordRows } from './record-rows.ts';
export {
  discardCounters,
  type FillOptions,
  fillUntilComplete,
  repairUsers,
  replaceUsers,
  type SumsAt,
} from './repair.ts';
export type { PartitionOffsets } from './resume-point.ts';
export { RowsAsOf } from './rows-as-of.ts';
export { SeriesReader, type SeriesReading } from './series-reader.ts';
export { generationsAheadOfMongo, type PartitionStart, startEpoch } from './start-epoch.ts';
export { sumsOfTopic, type TopicEvent, TopicSums } from './topic-sums.ts';
export { userDaySumsOf } from './user-day-sums.ts';
