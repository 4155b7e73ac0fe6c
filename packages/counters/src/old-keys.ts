import { isOldKey, OLD_KEYS } from './keys.ts';
import type { CounterSession, Master } from './session.ts';

/** Keys of one step of a scan: Redis does nothing else meanwhile. */
const KEYS_AT_ONCE = 500;

/**
 * Deletes every key of the version before, piece by piece. This version neither reads nor writes them.
 * @param options.dryRun only counts them, some twice if Redis moves them about meanwhile
 * @param options.onProgress told after each step how many keys were found so far
 * @returns how many it has found; fewer than there are if it was stopped
 * @throws CountersError
 */
export async function forgetOldKeys(
  session: CounterSession,
  options: { dryRun: boolean; onProgress(keys: number): void; signal: AbortSignal },
): Promise<number> {
  let found = 0;
  for (const master of session.masters) {
    let cursor = '0';
    do {
      if (options.signal.aborted) return found;
      const [next, keys] = await session.endOnError(master, () =>
        master.redis.scan(cursor, 'MATCH', OLD_KEYS, 'COUNT', KEYS_AT_ONCE),
      );
      cursor = next;
      const old = keys.filter(isOldKey);
      found += options.dryRun ? old.length : await unlink(session, master, old);
      options.onProgress(found);
    } while (cursor !== '0');
  }
  return found;
}

/** One by one, since on a cluster no command may name keys of two slots. */
async function unlink(session: CounterSession, master: Master, keys: readonly string[]): Promise<number> {
  const counts = await session.endOnError(master, () =>
    Promise.all(keys.map((key) => master.redis.unlink(key))),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
