import { fillQueueKey, fillSlotKey } from './keys.ts';
import type { Master } from './masters.ts';
import { NOTHING_FILLED } from './open.ts';
import { run } from './scripts.ts';
import type { CounterSession } from './session.ts';

/*
 * Who is to be filled, on the master that holds the user, so that whoever has time goes on where another was killed
 * (lua/take.lua). No number depends on it: who is missing here is queued again by the next answer that the
 * window sums cannot give.
 */

/** Whom `reserveUsers` gives to one process is not given to another for so long. */
const TAKEN_MS = 30_000;
/** Outlasts a round, unless Mongo is slow; then more sums are asked than there are slots, and no number is wrong. */
const SLOT_MS = 15_000;
/** Orders those that have nothing yet before those that have a part. */
const NEW = -1e14;
const NEW_BELOW = -5e13;

/** What a user's place in the queue follows from. */
export interface QueuePlace {
  /** Epoch ms; `NOTHING_FILLED` where nothing is. */
  sinceMs: number;
  openedAtMs: number;
}

export interface FillQueue {
  users: number;
  /** Epoch ms since when the first of those waits that have nothing and are not taken; undefined where there are none. */
  oldestMs: number | undefined;
}

/** Queues users that are about to be opened; an older place in the queue is replaced. @throws CountersError */
export async function queueUsers(
  session: CounterSession,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  await eachMaster(session, userIds, ({ redis, tag }, ids) =>
    redis.zadd(fillQueueKey(tag), ...ids.flatMap((id) => [String(NEW + nowMs), id])),
  );
}

/** Queues users that are being filled, where they are not queued; who is stays in their place. @throws CountersError */
export async function queueFilling(
  session: CounterSession,
  userIds: readonly string[],
  nowMs: number,
): Promise<void> {
  await eachMaster(session, userIds, ({ redis, tag }, ids) =>
    redis.zadd(fillQueueKey(tag), 'NX', ...ids.flatMap((id) => [String(NEW + nowMs), id])),
  );
}

/**
 * Takes some users on each master, those that have nothing yet and those that have a part.
 * @throws CountersError
 */
export async function reserveUsers(
  session: CounterSession,
  atMost: { empty: number; part: number },
  nowMs: number,
): Promise<string[]> {
  const taken = await Promise.all(
    session.masters.map((master) =>
      session.run(
        master,
        'take',
        [fillQueueKey(master.tag)],
        [nowMs, atMost.empty, atMost.part, nowMs + TAKEN_MS],
      ),
    ),
  );
  return (taken as string[][]).flat();
}

/** Gives users back that have a part now, or that were not come to. @throws CountersError */
export async function requeueUsers(
  session: CounterSession,
  users: ReadonlyMap<string, QueuePlace>,
): Promise<void> {
  await eachMaster(session, [...users.keys()], (master, ids) =>
    master.redis.zadd(
      fillQueueKey(master.tag),
      ...ids.flatMap((id) => [String(placeOf(users.get(id)!)), id]),
    ),
  );
}

/**
 * Takes users off the queue who are complete, unless they were opened anew since.
 * @param users as they were when their last piece was begun
 * @throws CountersError
 */
export async function dequeueUsers(
  session: CounterSession,
  users: ReadonlyMap<string, QueuePlace>,
): Promise<void> {
  await eachMaster(session, [...users.keys()], (master, ids) =>
    run(
      master.redis,
      'dequeue',
      [fillQueueKey(master.tag)],
      ids.flatMap((id) => [id, placeOf(users.get(id)!)]),
    ),
  );
}

function placeOf({ sinceMs, openedAtMs }: QueuePlace): number {
  return sinceMs === NOTHING_FILLED ? NEW + openedAtMs : -sinceMs;
}

/** How many wait, and since when. @throws CountersError */
export async function readFillQueue(session: CounterSession): Promise<FillQueue> {
  const queues = await session.guard(() =>
    Promise.all(
      session.masters.map(async ({ redis, tag }) => {
        const key = fillQueueKey(tag);
        const [users, first] = await Promise.all([
          redis.zcard(key),
          redis.zrange(key, '0', '0', 'WITHSCORES'),
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

/** Some of those that wait, those first that are next. @throws CountersError */
export async function queuedUsers(session: CounterSession, atMost: number): Promise<string[]> {
  const queues = await session.guard(() =>
    Promise.all(
      session.masters.map(({ redis, tag }) => redis.zrange(fillQueueKey(tag), '0', String(atMost - 1))),
    ),
  );
  return queues.flat().slice(0, atMost);
}

/**
 * Takes one of the slots that bound how many sums are asked of Mongo at once, by all processes together.
 * @param holder a name that no other has
 * @returns the slot; undefined when all are taken
 * @throws CountersError
 */
export async function acquireFillSlot(
  session: CounterSession,
  slots: number,
  holder: string,
): Promise<number | undefined> {
  const { redis, tag } = session.masters[0]!;
  for (let slot = 0; slot < slots; slot++) {
    const reply = await session.attempt(() => redis.set(fillSlotKey(tag, slot), holder, 'PX', SLOT_MS, 'NX'));
    if (reply === 'OK') return slot;
  }
  return undefined;
}

/** Gives a slot back, unless it ran out and is another's. @throws CountersError */
export async function releaseFillSlot(session: CounterSession, slot: number, holder: string): Promise<void> {
  const master = session.masters[0]!;
  await session.run(master, 'give', [fillSlotKey(master.tag, slot)], [holder]);
}

function eachMaster(
  session: CounterSession,
  userIds: readonly string[],
  work: (master: Master, userIds: string[]) => Promise<unknown>,
): Promise<unknown> {
  if (userIds.length === 0) return Promise.resolve();
  const byMaster = new Map<Master, string[]>();
  for (const userId of userIds) {
    const master = session.master(userId);
    const known = byMaster.get(master);
    if (known === undefined) byMaster.set(master, [userId]);
    else known.push(userId);
  }
  return session.attempt(() => Promise.all([...byMaster].map(([master, ids]) => work(master, ids))));
}
