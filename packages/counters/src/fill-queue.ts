import { fillQueueKey } from './keys.ts';
import { NOTHING_FILLED } from './open-users.ts';
import { scriptOf } from './scripts.ts';
import type { CounterSession, Master } from './session.ts';

/*
 * The users that are not complete, in a sorted set on each master, so that any process goes on where another was killed
 * (lua/reserve.lua). No number depends on it: the next answer that window sums cannot give queues a missing user again.
 */

/** How long reserved users are kept from other processes. */
const RESERVED_MS = 30_000;
/** Orders users that have nothing yet before those that have a part. */
const NEW = -1e14;
const NEW_BELOW = -5e13;

/** What a user's score in the queue follows from. */
export interface QueuePosition {
  /** Epoch ms; `NOTHING_FILLED` if nothing is filled. */
  sinceMs: number;
  openedAtMs: number;
}

export interface FillQueue {
  users: number;
  /** Since when (epoch ms) the first user with nothing filled waits unreserved; undefined without such a user. */
  oldestMs: number | undefined;
}

/** Queues users that are about to be opened. Replaces an older position. @throws CountersError */
export async function queueUsers(
  session: CounterSession,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  await eachMaster(session, userIds, ({ redis, tag }, ids) =>
    redis.zadd(fillQueueKey(tag), ...ids.flatMap((id) => [String(NEW + nowMs), id])),
  );
}

/** Queues users that are being filled. A queued user keeps their position. @throws CountersError */
export async function queueFilling(
  session: CounterSession,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  await eachMaster(session, userIds, ({ redis, tag }, ids) =>
    redis.zadd(fillQueueKey(tag), 'NX', ...ids.flatMap((id) => [String(NEW + nowMs), id])),
  );
}

/** Reserves some users on each master, of those that have nothing yet and those that have a part. @throws CountersError */
export async function reserveUsers(
  session: CounterSession,
  atMost: { empty: number; part: number },
  nowMs: number,
): Promise<string[]> {
  const args = [nowMs, atMost.empty, atMost.part, nowMs + RESERVED_MS];
  const reserved = await Promise.all(
    session.masters.map(async (master) => {
      const userIds = (await session.run(master, 'reserve', [fillQueueKey(master.tag)], args)) as string[];
      const isHere = (userId: string) => session.holds(userId) && session.master(userId) === master;
      const moved = userIds.filter((userId) => !isHere(userId));
      if (moved.length > 0) await requeueMoved(session, master, moved, nowMs);
      return userIds.filter(isHere);
    }),
  );
  return reserved.flat();
}

/** Users whose slots have moved to another master wait in its queue. If that is absent, they stay here until it is back. */
async function requeueMoved(
  session: CounterSession,
  from: Master,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  const held = userIds.filter((userId) => session.holds(userId));
  if (held.length === 0) return;
  await queueFilling(session, held, nowMs);
  await session.attempt(from, () => from.redis.zrem(fillQueueKey(from.tag), ...held));
}

/** Returns reserved users that are not complete yet. @throws CountersError */
export async function requeueUsers(
  session: CounterSession,
  users: ReadonlyMap<string, QueuePosition>,
): Promise<void> {
  await eachMaster(session, [...users.keys()], ({ redis, tag }, ids) =>
    redis.zadd(fillQueueKey(tag), ...ids.flatMap((id) => [String(scoreOf(users.get(id)!)), id])),
  );
}

/**
 * Removes complete users from the queue, unless they were reopened meanwhile.
 * @param users as they were when their last piece began
 * @throws CountersError
 */
export async function dequeueUsers(
  session: CounterSession,
  users: ReadonlyMap<string, QueuePosition>,
): Promise<void> {
  await eachMaster(session, [...users.keys()], ({ redis, tag }, ids) =>
    scriptOf(redis, 'dequeue')(1, fillQueueKey(tag), ...ids.flatMap((id) => [id, scoreOf(users.get(id)!)])),
  );
}

function scoreOf({ sinceMs, openedAtMs }: QueuePosition): number {
  return sinceMs === NOTHING_FILLED ? NEW + openedAtMs : -sinceMs;
}

/** How many users wait, and since when. @throws CountersError */
export async function readFillQueue(session: CounterSession): Promise<FillQueue> {
  const queues = await Promise.all(
    session.masters.map((master) =>
      session.endOnError(master, async () => {
        const key = fillQueueKey(master.tag);
        const [users, first] = await Promise.all([
          master.redis.zcard(key),
          master.redis.zrange(key, '0', '0', 'WITHSCORES'),
        ]);
        const score = Number(first[1] ?? 0);
        return { users, oldestMs: score < NEW_BELOW ? score - NEW : undefined };
      }),
    ),
  );
  const times = queues.flatMap(({ oldestMs }) => oldestMs ?? []);
  return {
    users: queues.reduce((sum, { users }) => sum + users, 0),
    oldestMs: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** Some of the users that wait, next ones first. @throws CountersError */
export async function queuedUsers(session: CounterSession, atMost: number): Promise<string[]> {
  const queues = await Promise.all(
    session.masters.map((master) =>
      session.endOnError(master, () =>
        master.redis.zrange(fillQueueKey(master.tag), '0', String(atMost - 1)),
      ),
    ),
  );
  return queues.flat().slice(0, atMost);
}

async function eachMaster(
  session: CounterSession,
  userIds: readonly string[],
  work: (master: Master, userIds: string[]) => Promise<unknown>,
): Promise<void> {
  await Promise.all(
    [...session.byMaster(userIds)].map(([master, indexes]) => {
      const ids = indexes.map((i) => userIds[i]!);
      return session.attempt(master, () => work(master, ids));
    }),
  );
}
