import { dayOf, dayOfMonth, isoWeekYear, monthOf, type Tally, weekOf } from '@calltally/domain';
import { CountersError } from './errors.ts';
import type { Generation, Generations } from './generation.ts';
import {
  allBucketKeys,
  appliedField,
  firstKeptDay,
  monthExpirySeconds,
  monthKey,
  userKey,
  weekExpirySeconds,
  weekKey,
} from './keys.ts';
import type { CounterSession } from './session.ts';

export interface LeaseRequest {
  /** Also for users whose counters are complete. */
  evenIfWarm: boolean;
  /** Another's lease is left alone while it is younger than this; 0 takes it over at once. */
  respectMs: number;
}

/** Our clock may be behind that of a process which died holding a lease: waiting for its time to pass has no bound. */
const LATER_THAN_ANY_LEASE = Number.MAX_SAFE_INTEGER;

export type LeaseReply = 'leased' | 'warm' | 'busy';

/** A user's calls as rows tell them. */
export interface RecountedUser {
  userId: string;
  /** One entry a UTC day; days that have left retention are not written. */
  days: ReadonlyMap<number, Tally>;
  /** The `stream:partition`s that the rows came from. */
  partitions: ReadonlySet<string>;
  /** Epoch ms; -1 without a call. */
  lastStartedAt: number;
}

export type InstallReply = 'installed' | 'lost' | 'generation' | 'behind';

/** Puts a lease on users' counters. @throws CountersError */
export async function leaseUsers(
  session: CounterSession,
  generations: Generations,
  userIds: readonly string[],
  lease: string,
  nowMs: number,
  request: LeaseRequest,
): Promise<LeaseReply[]> {
  const month = monthOf(dayOf(nowMs));
  const commands = userIds.map((userId) => {
    const { id, retentionMonths } = generationOf(session, generations, userId);
    const expiry = monthExpirySeconds(month, retentionMonths);
    const args = [
      id,
      leaseText(lease, nowMs),
      request.evenIfWarm ? '1' : '0',
      request.respectMs === 0 ? LATER_THAN_ANY_LEASE : nowMs - request.respectMs,
      expiry,
    ];
    return { userId, keys: [userKey(userId)], args };
  });
  return (await session.runForUsers('lease', commands)) as LeaseReply[];
}

/**
 * Installs recounted users, each one whole, provided that its lease still stands and nothing beyond `stored` has been
 * applied.
 * @param stored how far each partition was known to be in Mongo before the rows were added up
 * @param leasedAtMs the time given to `leaseUsers`
 * @throws CountersError
 */
export async function installUsers(
  session: CounterSession,
  generations: Generations,
  users: readonly RecountedUser[],
  stored: ReadonlyMap<string, number>,
  lease: string,
  leasedAtMs: number,
): Promise<InstallReply[]> {
  const commands = users.map((user) => {
    const generation = generationOf(session, generations, user.userId);
    const today = dayOf(leasedAtMs);
    const fromDay = firstKeptDay(today, generation.retentionMonths);
    const keys = [userKey(user.userId), ...allBucketKeys(user.userId, today, generation.retentionMonths)];
    const cut = [...stored].flatMap(([partition, offset]) => [appliedField(partition), offset]);
    const applied = [...user.partitions].flatMap((partition) => [
      appliedField(partition),
      stored.get(partition)!,
    ]);
    const args = [
      generation.id,
      leaseText(lease, leasedAtMs),
      fromDay,
      user.lastStartedAt,
      monthExpirySeconds(monthOf(today), generation.retentionMonths),
      cut.length / 2,
      ...cut,
      applied.length / 2,
      ...applied,
      ...bucketArguments(user, keys, fromDay, generation),
    ];
    return { userId: user.userId, keys, args };
  });
  return (await session.runForUsers('replace', commands)) as InstallReply[];
}

interface Bucket {
  expiry: number;
  fields: Map<string, Tally>;
}

/** For each key that is written: index, expiry, how many fields and values follow, field, value, … */
function bucketArguments(user: RecountedUser, keys: string[], fromDay: number, generation: Generation) {
  const buckets = new Map<string, Bucket>();
  const add = (key: string, expiry: number, field: string, tally: Tally) => {
    const bucket = buckets.get(key) ?? { expiry, fields: new Map<string, Tally>() };
    buckets.set(key, bucket);
    const sum = bucket.fields.get(field) ?? { calls: 0, durationMs: 0 };
    bucket.fields.set(field, {
      calls: sum.calls + tally.calls,
      durationMs: sum.durationMs + tally.durationMs,
    });
  };
  for (const [day, tally] of user.days) {
    if (day < fromDay) continue;
    const month = monthOf(day);
    const week = weekOf(day);
    const year = isoWeekYear(week);
    const monthExpiry = monthExpirySeconds(month, generation.retentionMonths);
    add(monthKey(user.userId, month), monthExpiry, String(dayOfMonth(day)), tally);
    add(monthKey(user.userId, month), monthExpiry, '', tally);
    add(weekKey(user.userId, year), weekExpirySeconds(year, generation.retentionMonths), String(week), tally);
  }
  const args: (string | number)[] = [];
  for (const [key, { expiry, fields }] of buckets) {
    let at = keys.indexOf(key) + 1;
    // A day ahead of this process's clock is counted like any other.
    if (at === 0) at = keys.push(key);
    args.push(at, expiry, fields.size * 2);
    for (const [field, tally] of fields) args.push(`${field}c`, tally.calls, `${field}d`, tally.durationMs);
  }
  return args;
}

function generationOf(session: CounterSession, generations: Generations, userId: string): Generation {
  const generation = generations.get(session.master(userId));
  if (generation === undefined) throw new CountersError('COUNTERS_GENERATION', 'a master has no generation');
  return generation;
}

/** A lease begins with its time, so that one left behind by a process that died can be told from one at work. */
function leaseText(lease: string, leasedAtMs: number): string {
  return `${leasedAtMs}:${lease}`;
}
