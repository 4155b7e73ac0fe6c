import { userKey } from './keys.ts';
import type { CounterSession } from './session.ts';

/**
 * Makes users cold: unknown to the counters until they are opened. Safe at any time, since absence means unknown and
 * never zero: what is applied next finds them cold, and a piece that is being summed finds its fill id gone.
 * @throws CountersError
 */
export async function forgetUsers(session: CounterSession, userIds: readonly string[]): Promise<void> {
  await session.guard(() =>
    Promise.all(userIds.map((userId) => session.master(userId).redis.del(userKey(userId)))),
  );
}
