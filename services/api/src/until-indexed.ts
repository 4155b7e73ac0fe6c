import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import { toLoggedError } from './logged-error.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Creates the indexes that are missing, again and again while Mongo is away; ends with `signal`. */
export async function untilIndexed(
  store: Pick<Store, 'ensureIndexes'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      await store.ensureIndexes();
      return;
    } catch (thrown) {
      if (pauseMs === FIRST_PAUSE_MS)
        logger.warn({ fault: toLoggedError(thrown) }, 'cannot create indexes yet');
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}
