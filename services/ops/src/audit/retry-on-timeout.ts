import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@calltally/store';

const ATTEMPTS = 5;
const PAUSE_MS = 500;

/**
 * Does work again for which Mongo took too long: spans of rows that were too long are shorter then.
 * @throws StoreError STORE_TIMEOUT where that does not help, and what else the work throws
 */
export async function retryOnTimeout<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      const isLate = thrown instanceof StoreError && thrown.code === 'STORE_TIMEOUT';
      if (!isLate || attempt === ATTEMPTS || signal.aborted) throw thrown;
    }
    await sleep(PAUSE_MS * attempt, undefined, { signal }).catch(() => {});
  }
}
