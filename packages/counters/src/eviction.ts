import { CountersError } from './errors.ts';
import type { CounterSession } from './session.ts';

/**
 * Holds every master to `maxmemory-policy noeviction`: a Redis that may evict keys would make absence lie for a part
 * of a user.
 * @returns false where a master does not tell its policy
 * @throws CountersError COUNTERS_EVICTING, or COUNTERS_LOST
 */
export async function requireNoEviction(session: CounterSession): Promise<boolean> {
  let told = true;
  for (const { redis } of session.masters) {
    const info = await session.guard(async () => {
      try {
        return await redis.info('memory');
      } catch (thrown) {
        if (thrown instanceof Error && thrown.message.startsWith('NOPERM')) return '';
        throw thrown;
      }
    });
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined) told = false;
    else if (policy !== 'noeviction') {
      throw new CountersError(
        'COUNTERS_EVICTING',
        `Redis has maxmemory-policy ${policy}; set it to noeviction, since evicted counters would read as zero`,
      );
    }
  }
  return told;
}
