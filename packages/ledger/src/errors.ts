export type LedgerErrorCode = 'LEDGER_UNAVAILABLE' | 'LEDGER_OVERLOADED' | 'LEDGER_BEHIND' | 'LEDGER_ERASURE';

/**
 * - `LEDGER_UNAVAILABLE`: neither store can answer now. Ask again later.
 * - `LEDGER_OVERLOADED`: the counters cannot answer, and Mongo reads rows for as many others as it can bear. Ask again later.
 * - `LEDGER_BEHIND`: Mongo tells an older state than before. The same call may succeed at once.
 * - `LEDGER_ERASURE`: whether the events of a user count is being decided. The same call may succeed at once.
 */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  readonly retryable = true;

  constructor(
    readonly code: LedgerErrorCode,
    message: string,
    override readonly cause?: unknown,
  ) {
    super(`${code}: ${message}`);
  }
}
