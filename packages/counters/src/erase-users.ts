import { dayOf } from '@calltally/domain';
import type { Generations } from './generation.ts';
import { allBucketKeys, ERASED_FIELD, fillQueueKey, userKey } from './keys.ts';
import type { CounterSession, Master } from './session.ts';

/** Of any generation: `COUNTERS_RETENTION_MONTHS` is at most this. */
const RETENTION_MONTHS_MAX = 120;
/** Each has some 140 keys. */
const USERS_AT_ONCE = 50;

/**
 * Deletes everything that Redis may have of these users, whatever its generation. Safe at any time, as `forgetUsers` is.
 * @throws CountersError, also if the master of one of them is away
 */
export async function eraseUsers(
  session: CounterSession,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  for (const [master, indexes] of session.byMaster(userIds)) {
    for (let at = 0; at < indexes.length; at += USERS_AT_ONCE) {
      const some = indexes.slice(at, at + USERS_AT_ONCE).map((i) => userIds[i]!);
      await session.endOnError(master, () =>
        Promise.all([
          ...some.map((userId) =>
            master.redis.del(userKey(userId), ...allBucketKeys(userId, dayOf(nowMs), RETENTION_MONTHS_MAX)),
          ),
          master.redis.zrem(fillQueueKey(master.tag), ...some),
        ]),
      );
    }
  }
}

/**
 * Notes that a master has nothing any more of users whose erasures have changed by a version. An older copy of it says an
 * older version.
 * @throws CountersError
 */
export async function noteErased(session: CounterSession, master: Master, version: number): Promise<void> {
  await session.endOnError(master, () => master.redis.hset(master.generationKey, ERASED_FIELD, version));
}

/** The masters that may still have users whose erasures have changed by `version`, with the version that each has noted. */
export function mastersBefore(generations: Generations, version: number): [Master, number][] {
  return [...generations].flatMap(([master, { erased }]): [Master, number][] =>
    erased < version ? [[master, erased]] : [],
  );
}
