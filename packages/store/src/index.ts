export { type ApiKeyRow, ApiKeys, hashApiKey, looksLikeApiKey } from './api-keys.ts';
export { Calls, type InsertOutcome, isCanonical } from './calls.ts';
export { openStore, type Store, type StoreSettings } from './connect.ts';
export { type DeadLetterMark, DeadLetterMarks, type MarkState } from './dead-letter-marks.ts';
export { StoreError, type StoreErrorCode } from './errors.ts';
export { type Cut, cutKey, Progress } from './progress.ts';
export { type CallRow, type Source, toRow } from './rows.ts';
export { type DailyTally, Tallies } from './tallies.ts';
