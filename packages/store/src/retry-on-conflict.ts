import { setTimeout as sleep } from 'node:timers/promises';
import { storeError } from './errors.ts';

const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 5;

/**
 * Runs an idempotent call and repeats it while two writers are in each other's way (`STORE_CONFLICT`).
 * Nothing else is repeated here: an outage is waited for by whoever knows how long it may wait.
 */
export async function retryOnConflict<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (thrown) {
      const error = storeError(thrown);
      if (error.code !== 'STORE_CONFLICT' || attempt === ATTEMPTS) throw error;
      await sleep(FIRST_PAUSE_MS * 2 ** attempt * (0.5 + Math.random()));
    }
  }
}
