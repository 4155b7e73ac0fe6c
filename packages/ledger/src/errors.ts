export type LedgerErrorCode = 'LEDGER_UNAVAILABLE' | 'LEDGER_OVERLOADED' | 'LEDGER_BEHIND';

/**
 * - `LEDGER_UNAVAILABLE`: neither store can answer now; ask again later.
 * - `LEDGER_OVERLOADED`: counters cannot answer, and rows are asked for others as much as Mongo can bear; ask again later.
 * - `LEDGER_BEHIND`: Mongo tells an older state than it did; the same call may succeed at once.
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
