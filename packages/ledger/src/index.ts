export { beginCounting, type PartitionState, type Start } from './begin.ts';
export { CountersLink, type LiveCounters } from './counters-link.ts';
export { LedgerError, type LedgerErrorCode } from './errors.ts';
export { DashboardReader, type Reading, type Source } from './read.ts';
export { type Batch, markCounted, markStored, type Recorded, record } from './record.ts';
export { type Books, type Recounted, recounted, recountUsers } from './recount.ts';
export { RecountQueue } from './recount-queue.ts';
export { RowsAsOf } from './rows-as-of.ts';
