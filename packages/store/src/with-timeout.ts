import { StoreError, storeError } from './errors.ts';

/**
 * Runs calls to Mongo within a time limit, and gives every failure the shape of a StoreError. A call that hands the
 * signal to the driver is not repeated by it beyond the limit: it takes the end of a silent socket for a reason to.
 */
export type WithTimeout = <T>(call: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * After how long Mongo itself is to give up what a call of so many ms asks for: neither a closed socket nor an abort ends
 * a query there.
 */
export function maxTimeOf(timeoutMs: number): number {
  return Math.ceil(timeoutMs * 0.9);
}

/**
 * The driver bounds its parts (selection, connecting, a silent socket) but no longer a call as a whole. What is left
 * behind at the limit does no harm: its socket is closed after the same time, and all calls are idempotent.
 */
export function withTimeout(timeoutMs: number): WithTimeout {
  return async (call) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new AbortController();
    const limit = new Promise<never>((_, reject) => {
      const error = new StoreError('STORE_TIMEOUT', true, new Error(`no answer within ${timeoutMs} ms`));
      timer = setTimeout(() => {
        reject(error);
        late.abort(error);
      }, timeoutMs);
    });
    const work = call(late.signal);
    try {
      return await Promise.race([work, limit]);
    } catch (thrown) {
      work.catch(() => {});
      throw storeError(thrown);
    } finally {
      clearTimeout(timer);
    }
  };
}
