import type { MongoClient } from 'mongodb';
import pRetry from 'p-retry';
import pTimeout, { TimeoutError } from 'p-timeout';
import { type StoreError, storeError } from './errors.ts';

/** Options for the driver, so that neither it nor Mongo works on when nobody waits any more. */
export interface CallLimits {
  /** Aborts at our time limit. Without it the driver repeats a call whose socket was closed as silent. */
  signal: AbortSignal;
  /** When Mongo itself gives up, a little earlier: neither a closed socket nor an abort ends a query there. */
  maxTimeMS: number;
}

/**
 * Runs one idempotent call to Mongo: connects first, limits the time, repeats it after a write conflict.
 * Does not wait for an outage to end: only callers know how long they can wait.
 * @param options.retries after conflicts; 0 for a call that is not idempotent
 * @throws StoreError and nothing else
 */
export type MongoCall = <T>(
  call: (limits: CallLimits) => Promise<T>,
  options?: { retries?: number },
) => Promise<T>;

const CONFLICT_RETRIES = 5;
const FIRST_PAUSE_MS = 7;

/**
 * The driver limits its parts (selection, connecting, a silent socket) but no longer a call as a whole. A call that is
 * abandoned at the limit does no harm: its socket is closed after the same time, and it is idempotent.
 * @param timeoutMs limit of each attempt, connecting included
 * @param closed connects no more once this is aborted: a late call must not open the client again
 */
export function createMongoCall(client: MongoClient, timeoutMs: number, closed: AbortSignal): MongoCall {
  const maxTimeMS = Math.ceil(timeoutMs * 0.9);
  let isConnected = false;

  // Left to itself, the driver keeps the remains of a failed first attempt to connect. A process that started while
  // Mongo was away would never find it.
  async function connect(): Promise<void> {
    if (isConnected || closed.aborted) return;
    await client.connect();
    isConnected = true;
  }

  async function attempt<T>(call: (limits: CallLimits) => Promise<T>): Promise<T> {
    const late = new AbortController();
    // By a timer of our own: p-timeout's makes an error with a stack for every call, which takes longer than all else here.
    const timer = setTimeout(
      () => late.abort(new TimeoutError(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const connectAndCall = async () => {
      await connect();
      return call({ signal: late.signal, maxTimeMS });
    };
    try {
      return await pTimeout(connectAndCall(), { milliseconds: Infinity, signal: late.signal });
    } catch (thrown) {
      // The driver, too, rejects when the time is over, by an error of its own.
      const reason = late.signal.aborted ? late.signal.reason : thrown;
      late.abort();
      throw storeError(reason);
    } finally {
      clearTimeout(timer);
    }
  }

  return (call, { retries = CONFLICT_RETRIES } = {}) =>
    pRetry(() => attempt(call), {
      retries,
      minTimeout: FIRST_PAUSE_MS,
      randomize: true,
      shouldRetry: ({ error }) => (error as StoreError).code === 'STORE_CONFLICT',
    });
}
