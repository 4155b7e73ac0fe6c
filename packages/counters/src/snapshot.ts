import { dayOf, type Tally } from '@calltally/domain';
import type { Generations } from './generation.ts';
import { allBucketKeys, BASE_FIELD, READY_FIELD, unpackBase, userKey } from './keys.ts';
import type { CounterSession } from './session.ts';
import { readyOf, type WindowSums } from './window-sums.ts';

/** Everything Redis holds of a user, read at one moment. */
export interface UserSnapshot {
  fromDay: number;
  /** Epoch ms: calls that start at or after it are all counted, of older ones those beyond `base`; undefined once complete. */
  sinceMs: number | undefined;
  /** For each `stream:partition` the offset through which the buckets count. */
  applied: Map<string, number>;
  /** Epoch ms of the latest start that is counted; -1 without a call. */
  lastStartedAt: number;
  /** The sums kept ready, and the UTC day, week and month they hold for; undefined where none are. */
  ready: WindowSums | undefined;
  /** By bucket: `m:<month>` a month, `m:<month>:<day of month>` a day, `w:<ISO year>:<week>` a week. */
  buckets: Map<string, Tally>;
}

type SnapshotReply = [] | [string[], ...(number | string[])[]];

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
  return (await snapshotUsers(session, generations, [userId], nowMs))[0];
}

/** As `snapshotUser`, for many at once; each at a moment of his own. */
export async function snapshotUsers(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
  nowMs: number,
): Promise<(UserSnapshot | undefined)[]> {
  const commands = userIds.map((userId) => {
    const generation = generations.get(session.master(userId));
    const buckets =
      generation === undefined ? [] : allBucketKeys(userId, dayOf(nowMs), generation.retentionMonths);
    return { userId, keys: [userKey(userId), ...buckets], args: [generation?.id ?? ''] };
  });
  const replies = (await session.runForUsers('snapshot', commands)) as SnapshotReply[];
  return replies.map((reply, i) => snapshotOf(reply, commands[i]!.keys));
}

function snapshotOf([head, ...found]: SnapshotReply, keys: readonly string[]): UserSnapshot | undefined {
  if (head === undefined) return undefined;
  const user = fieldsOf(head);
  const applied = unpackBase(user.get(BASE_FIELD) ?? '');
  for (const [field, value] of user) if (field.startsWith('a:')) applied.set(field.slice(2), Number(value));
  const since = user.get('s');
  const ready = user.get(READY_FIELD);
  const buckets = new Map<string, Tally>();
  for (let at = 0; at < found.length; at += 2) {
    const name = keys[(found[at] as number) - 1]!.slice(keys[0]!.length + 1);
    const fields = fieldsOf(found[at + 1] as string[]);
    for (const [field, value] of fields) {
      if (!field.endsWith('c')) continue;
      const unit = field.slice(0, -1);
      buckets.set(unit === '' ? name : `${name}:${unit}`, {
        calls: Number(value),
        durationMs: Number(fields.get(`${unit}d`) ?? 0),
      });
    }
  }
  return {
    fromDay: Number(user.get('f')),
    sinceMs: since === undefined ? undefined : Number(since),
    applied,
    lastStartedAt: Number(user.get('x')),
    ready: ready === undefined ? undefined : readyOf(ready),
    buckets,
  };
}

function fieldsOf(flat: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let i = 0; i < flat.length; i += 2) fields.set(flat[i]!, flat[i + 1]!);
  return fields;
}
