import { StoreError } from '@calltally/store';
import pRetry from 'p-retry';

const RETRY = { retries: 4, minTimeout: 500, maxTimeout: 2_000 };

/**
 * Repeats work for which Mongo took too long. The ledger cuts the spans of rows that were too long for it.
 * @throws StoreError STORE_TIMEOUT if that does not help, and what else the work throws
 */
export function retryOnTimeout<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return pRetry(work, {
    ...RETRY,
    shouldRetry: ({ error }) =>
      !signal.aborted && error instanceof StoreError && error.code === 'STORE_TIMEOUT',
  });
}
