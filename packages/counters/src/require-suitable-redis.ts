import { CountersError } from './errors.ts';
import type { CounterSession } from './session.ts';

/** The scripts use EXPIREAT … GT. An older server would fail in the middle of a script, with half of it done. */
const OLDEST_MAJOR_VERSION = 7;

/**
 * Checks every master for Redis 7 (or Valkey) and `maxmemory-policy noeviction`: if Redis evicted some keys of a user,
 * the rest would look complete.
 * @returns false if a master does not tell
 * @throws CountersError COUNTERS_EVICTING, COUNTERS_TOO_OLD, or COUNTERS_LOST
 */
export async function requireSuitableRedis(session: CounterSession): Promise<boolean> {
  let allTold = true;
  for (const master of session.masters) {
    const info = await session.endOnError(master, async () => {
      try {
        return await master.redis.info();
      } catch (thrown) {
        if (thrown instanceof Error && thrown.message.startsWith('NOPERM')) return '';
        throw thrown;
      }
    });
    const fault = unsuitable(info);
    if (fault !== undefined) throw fault;
    if (info === '') allTold = false;
  }
  return allTold;
}

/** What is wrong with a server, by its answer to INFO. */
export function unsuitable(info: string): CountersError | undefined {
  const version = /^redis_version:(\d+)\S*/m.exec(info);
  if (version !== null && Number(version[1]) < OLDEST_MAJOR_VERSION) {
    return new CountersError(
      'COUNTERS_TOO_OLD',
      `${version[0].replace(':', ' ')} is too old; use Redis ${OLDEST_MAJOR_VERSION} or newer, or Valkey`,
    );
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    return new CountersError(
      'COUNTERS_EVICTING',
      `Redis has maxmemory-policy ${policy}; set it to noeviction, since evicted counters would read as zero`,
    );
  }
  return undefined;
}
