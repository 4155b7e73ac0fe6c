import type { Tally } from '@calltally/domain';
import { dayOf } from '@calltally/domain';
import type { Generations } from './generation.ts';
import { allBucketKeys, userKey } from './keys.ts';
import type { CounterSession } from './session.ts';

export interface ReadySnapshot {
  day: number;
  week: number;
  month: number;
  today: number;
  thisWeek: number;
  thisMonth: number;
  /** The 31 days that end with `day`. */
  window: Tally;
}

/** Everything Redis holds of a user, read at one moment. */
export interface UserSnapshot {
  fromDay: number;
  /** For each `stream:partition` the offset through which the buckets count. */
  applied: Map<string, number>;
  /** Epoch ms of the latest start that is counted; -1 without a call. */
  lastStartedAt: number;
  /** The sums kept ready, and the UTC day, week and month they hold for; undefined where none are. */
  ready: ReadySnapshot | undefined;
  /** By bucket: `m:<month>` a month, `m:<month>:<day of month>` a day, `w:<ISO year>:<week>` a week. */
  buckets: Map<string, Tally>;
}

/**
 * For comparing counters with rows. Only buckets that readers may use are told.
 * @returns undefined when the counters do not know the user
 * @throws CountersError
 */
export async function snapshotUser(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): Promise<UserSnapshot | undefined> {
  const master = session.master(userId);
  const generation = generations.get(master);
  if (generation === undefined) return undefined;
  const keys = allBucketKeys(userId, dayOf(nowMs), generation.retentionMonths);
  const [user, ...hashes] = await session.guard(async () => {
    const transaction = master.redis.multi();
    for (const key of [userKey(userId), ...keys]) transaction.hgetall(key);
    return ((await transaction.exec()) ?? []).map(([error, reply]) => {
      if (error !== null) throw error;
      return reply as Record<string, string>;
    });
  });
  if (user === undefined || user.g !== generation.id || user.w !== '1') return undefined;
  const applied = new Map<string, number>();
  for (const [field, value] of Object.entries(user)) {
    if (field.startsWith('a:')) applied.set(field.slice(2), Number(value));
  }
  const buckets = new Map<string, Tally>();
  keys.forEach((key, i) => {
    const name = key.slice(userKey(userId).length + 1);
    for (const field of Object.keys(hashes[i]!).filter((field) => field.endsWith('c'))) {
      const unit = field.slice(0, -1);
      buckets.set(unit === '' ? name : `${name}:${unit}`, {
        calls: Number(hashes[i]![field]),
        durationMs: Number(hashes[i]![`${unit}d`] ?? 0),
      });
    }
  });
  return {
    fromDay: Number(user.f),
    applied,
    lastStartedAt: Number(user.x),
    ready: readyOf(user),
    buckets,
  };
}

function readyOf(user: Record<string, string>): ReadySnapshot | undefined {
  if (user.rd === undefined) return undefined;
  return {
    day: Number(user.rd),
    week: Number(user.rw),
    month: Number(user.ro),
    today: Number(user.dc),
    thisWeek: Number(user.wc),
    thisMonth: Number(user.mc),
    window: { calls: Number(user.rc), durationMs: Number(user.rm) },
  };
}
