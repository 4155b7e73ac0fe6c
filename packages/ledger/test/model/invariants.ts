import type { CountersReading } from '@calltally/counters';
import {
  DAY_MS,
  dayOf,
  defaultWindowDays,
  firstDayOfMonth,
  firstDayOfWeek,
  monthOf,
  type Tally,
  weekOf,
  ZERO_TALLY,
} from '@calltally/domain';
import { PARTITIONS, USERS, type World } from './world.ts';

/** A user's counters in Redis, if the user is open in the present generation. */
interface Open {
  userId: string;
  isComplete: boolean;
  /** First complete day. */
  fromDay: number;
  applied: Map<number, number>;
  lastStartedAt: number;
  /** Days, weeks and months. Durations are sums of powers of two, so they tell which calls were counted. */
  buckets: Map<string, Bucket>;
}

interface Bucket extends Tally {
  firstDay: number;
}

/** Checks what must hold after every step. @returns what does not hold */
export function breachOf(world: World): string | undefined {
  if (world.breach !== undefined || world.lostRows) return world.breach;
  // A Mongo put back is played with a single Redis only.
  const isOutdated = world.outdated.has(world.redis.ledgerOf(USERS[0]!).get('id') ?? '');
  return (
    storedBeyondRows(world) ??
    committedBeyondStored(world) ??
    (isOutdated ? undefined : (wrongCounters(world) ?? tooNewAsOf(world)))
  );
}

/** Checks what must hold once everything that was sent has been counted. */
export function breachInQuiet(world: World): string | undefined {
  for (const [partition, log] of world.topic.log.entries()) {
    for (const [offset, call] of log.entries()) {
      if (call !== undefined && !world.mongo.calls.has(call.callId)) {
        return `${call.callId}, ${partition}:${offset}, has no row after quiet`;
      }
    }
  }
  const open = new Map(openUsers(world).map((user) => [user.userId, user]));
  for (const userId of USERS) {
    const user = open.get(userId);
    if (!user?.isComplete) return `${userId} is not complete after quiet`;
    const uncounted = rowsOf(world, userId).find(isBeyond(user));
    if (uncounted !== undefined) return `${userId} does not count ${uncounted._id} after quiet`;
  }
  return breachOf(world) ?? wrongCounters(world);
}

function storedBeyondRows({ mongo, topic }: World): string | undefined {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const stored = mongo.stored(`0:${partition}`);
    for (const [offset, call] of topic.log[partition]!.slice(0, stored + 1).entries()) {
      if (call !== undefined && !mongo.calls.has(call.callId)) {
        return `stored of ${partition} is ${stored}, and ${offset} (${call.callId}) has no row`;
      }
    }
  }
  return undefined;
}

function committedBeyondStored({ mongo, topic, wentBack }: World): string | undefined {
  if (wentBack) return undefined;
  for (const [partition, committed = 0] of topic.committed.entries()) {
    const stored = mongo.stored(`0:${partition}`);
    if (committed > stored + 1)
      return `${partition} is committed at ${committed} and stored through ${stored}`;
  }
  return undefined;
}

/** The complete part of an open user's counters equals the rows at or below `applied`, and no checkpoint says more. */
function wrongCounters(world: World): string | undefined {
  for (const user of openUsers(world)) {
    const { userId, applied, fromDay, buckets } = user;
    const ledger = world.redis.ledgerOf(userId);
    const rows = rowsOf(world, userId);
    const counted = rows.filter((row) => !isBeyond(user)(row));
    const should = bucketsOf(counted);
    for (const name of new Set([...buckets.keys(), ...should.keys()])) {
      const [has, rest] = [buckets.get(name), should.get(name)];
      if ((has ?? rest)!.firstDay < fromDay) continue;
      if (has?.calls === rest?.calls && has?.durationMs === rest?.durationMs) continue;
      return `${name} of ${userId} counts ${told(has)}; rows through ${[...applied]} are ${told(rest)}`;
    }
    const last = Math.max(-1, ...counted.map(({ started_at }) => +started_at));
    // While the user is being filled, an older start may be unknown yet.
    if (user.lastStartedAt !== last && (user.isComplete || dayOf(last) >= fromDay)) {
      return `the latest start of ${userId} is ${user.lastStartedAt} and should be ${last}`;
    }
    for (const row of rows) {
      const checkpoint = Number(ledger.get(`mark:0:${row.source.partition}`) ?? -1);
      if (row.source.offset <= checkpoint && isBeyond(user)(row)) {
        return `the checkpoint of ${row.source.partition} is ${checkpoint}, and ${userId} does not count ${row._id}`;
      }
    }
  }
  return undefined;
}

/** Every event that was acknowledged by as-of of a master is counted for its open users. */
function tooNewAsOf(world: World): string | undefined {
  const { topic, mongo, redis, wentBack } = world;
  // Until ingest has read on, as-of is that of the Mongo before.
  if (wentBack) return undefined;
  for (const user of openUsers(world)) {
    const asOf = Number(redis.ledgerOf(user.userId).get('asof') ?? 0);
    for (const [partition, offset] of topic.sent.slice(0, asOf)) {
      const call = topic.log[partition]![offset];
      if (call?.userId !== user.userId) continue;
      const row = mongo.calls.get(call.callId);
      const isCanonical = row?.source.partition === partition && row.source.offset === offset;
      if (row === undefined || (isCanonical && isBeyond(user)(row))) {
        return `as-of of ${user.userId} is ${asOf}, and ${call.callId} is not counted`;
      }
    }
  }
  return undefined;
}

/** A reading must equal the rows at or below its `appliedThrough`. */
export function wrongReading(world: World, userId: string, reading: CountersReading): string | undefined {
  const applied = new Map([...reading.appliedThrough].map(([key, offset]) => [Number(key.slice(2)), offset]));
  const rows = rowsOf(world, userId).filter((row) => !isBeyond({ applied })(row));
  const today = dayOf(world.nowMs);
  const sum = (within: (day: number) => boolean) =>
    rows.filter(({ day }) => within(day)).reduce((total, { duration_ms }) => total + duration_ms, 0);
  const count = (within: (day: number) => boolean) => rows.filter(({ day }) => within(day)).length;
  const isIn = (day: number) => day <= today && day > today - defaultWindowDays;
  const should = {
    today: count((day) => day === today),
    thisWeek: count((day) => weekOf(day) === weekOf(today)),
    thisMonth: count((day) => monthOf(day) === monthOf(today)),
    window: { calls: count(isIn), durationMs: sum(isIn) },
  };
  const wrong = Object.entries(should).filter(
    ([name, value]) => JSON.stringify(reading[name as keyof typeof should]) !== JSON.stringify(value),
  );
  return wrong.length === 0
    ? undefined
    : `a reader of ${userId} is told ${JSON.stringify(reading)} and not ${JSON.stringify(should)}`;
}

export function openUsers({ redis }: World): Open[] {
  return USERS.flatMap((userId) => {
    const id = redis.generationOf(userId);
    const hash = redis.hashes.get(`ct:{${userId}}`);
    const since = hash?.get('s');
    const isComplete = hash?.get('w') === '1';
    if (hash?.get('g') !== id || hash === undefined || !(isComplete || since !== undefined)) return [];
    const applied = new Map<number, number>();
    for (const [, partition, offset] of (hash.get('b') ?? '').matchAll(/ 0:(\d+)=(\d+)/g)) {
      applied.set(Number(partition), Number(offset));
    }
    for (const [field, value] of hash) {
      if (field.startsWith('a:0:')) applied.set(Number(field.slice(4)), Number(value));
    }
    const fromDay = Math.max(Number(hash.get('f')), Math.ceil(Number(since ?? 0) / DAY_MS));
    const lastStartedAt = Number(hash.get('x'));
    return { userId, isComplete, fromDay, applied, lastStartedAt, buckets: bucketsIn(redis.hashes, userId) };
  });
}

function bucketsIn(hashes: World['redis']['hashes'], userId: string): Map<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  const prefix = `ct:{${userId}}:`;
  for (const [key, fields] of hashes) {
    if (!key.startsWith(prefix)) continue;
    const [kind, number] = key.slice(prefix.length).split(':');
    for (const [field, calls] of fields) {
      if (!field.endsWith('c')) continue;
      const unit = field.slice(0, -1);
      const [name, firstDay] = unitOf(kind!, Number(number), unit);
      buckets.set(name, { calls: Number(calls), durationMs: Number(fields.get(`${unit}d`)), firstDay });
    }
  }
  return buckets;
}

/** Name and first day of a week, a month or a day. */
function unitOf(kind: string, number: number, unit: string): [name: string, firstDay: number] {
  if (kind === 'w') return [`week ${unit}`, firstDayOfWeek(Number(unit))];
  if (unit === '') return [`month ${number}`, firstDayOfMonth(number)];
  const day = firstDayOfMonth(number) + Number(unit) - 1;
  return [`day ${day}`, day];
}

function bucketsOf(rows: ReturnType<typeof rowsOf>): Map<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  for (const { started_at, duration_ms } of rows) {
    const day = dayOf(+started_at);
    const [week, month] = [weekOf(day), monthOf(day)];
    for (const [name, firstDay] of [
      [`day ${day}`, day],
      [`week ${week}`, firstDayOfWeek(week)],
      [`month ${month}`, firstDayOfMonth(month)],
    ] as const) {
      const { calls, durationMs } = buckets.get(name) ?? ZERO_TALLY;
      buckets.set(name, { calls: calls + 1, durationMs: durationMs + duration_ms, firstDay });
    }
  }
  return buckets;
}

function isBeyond({ applied }: Pick<Open, 'applied'>) {
  return ({ source }: ReturnType<typeof rowsOf>[number]) =>
    source.offset > (applied.get(source.partition) ?? -1);
}

function rowsOf({ mongo }: World, userId: string) {
  return [...mongo.calls.values()].filter((row) => row.user_id === userId);
}

function told({ calls, durationMs }: Tally = ZERO_TALLY): string {
  return `${calls} calls (${callsIn(durationMs)})`;
}

function callsIn(durationMs: number): string {
  const ids: string[] = [];
  for (let number = 0, rest = durationMs; rest > 0; number++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) ids.push(`c${number}`);
  }
  return ids.join(',');
}
