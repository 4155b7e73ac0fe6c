import {
  type CallIdentity,
  type CallVersion,
  DAY_MS,
  dayOf,
  firstDayOfMonth,
  firstDayOfWeek,
  monthOf,
  type Tally,
  weekOf,
  ZERO_TALLY,
} from '@calltally/domain';
import type { CallContent } from '@calltally/store';
import { type Bucket, type Cells, cellsIn, cellsOf } from './cells.ts';
import { brokenChain, type Chain, chainOf, chainsOf, countedOf, type Link } from './chains.ts';
import { halfHoursIn, halfHoursOf } from './half-hours.ts';
import { readable } from './mongo.ts';
import { PARTITIONS, USERS, type World } from './world.ts';

/** A user's counters in Redis, if the user is open in the present generation. */
interface Open {
  userId: string;
  isComplete: boolean;
  /** First complete day. */
  fromDay: number;
  applied: Map<number, number>;
  lastStartedAt: number;
  /** What counters keep of cells. */
  cellsMax: number;
  /** Days, weeks and months. Durations are sums of powers of two, so they tell what was counted. */
  buckets: Map<string, Bucket>;
}

/** Checks what must hold after every step. @returns what does not hold */
export function breachOf(world: World): string | undefined {
  if (world.breach !== undefined || world.lostRows) return world.breach;
  // A Mongo put back is played with a single Redis only.
  const isOutdated = world.outdated.has(world.redis.ledgerOf(USERS[0]!).get('id') ?? '');
  return (
    brokenChain(world) ??
    storedBeyondRows(world) ??
    committedBeyondStored(world) ??
    (isOutdated ? undefined : (wrongCounters(world) ?? tooNewAsOf(world)))
  );
}

/** Checks what must hold once everything that was sent has been counted. */
export function breachInQuiet(world: World): string | undefined {
  for (const log of world.topic.log) {
    for (const call of log) {
      if (call === undefined) continue;
      const revision = Math.max(...revisionsOf(world, call));
      const last = chainOf(world, call)?.at(-1);
      if (last?.revision !== revision) {
        return `revision ${revision} of ${call.callId} does not count after quiet, but ${last?.revision}`;
      }
    }
  }
  const open = new Map(openUsers(world).map((user) => [user.userId, user]));
  for (const userId of USERS) {
    const user = open.get(userId);
    if (!user?.isComplete) return `${userId} is not complete after quiet`;
    for (const chain of chainsOf(world, userId).values()) {
      const uncounted = chain.find((link) => link.changes && !isApplied(user)(link));
      if (uncounted) return `${userId} does not count ${readable(uncounted.id)} after quiet`;
    }
  }
  return breachOf(world) ?? wrongCounters(world);
}

function revisionsOf({ topic }: World, { callId, userId }: CallIdentity): number[] {
  return topic.log.flat().flatMap((call) => {
    const isSame = call?.callId === callId && call.userId === userId;
    return isSame ? [call.revision ?? 0] : [];
  });
}

/** Whether a call counts by what an event says of it, or by a higher revision. */
function isKept(world: World, call: CallVersion): boolean {
  return (chainOf(world, call)?.at(-1)?.revision ?? -1) >= (call.revision ?? 0);
}

function storedBeyondRows(world: World): string | undefined {
  const { mongo, topic } = world;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const stored = mongo.stored(`0:${partition}`);
    for (const [offset, call] of topic.log[partition]!.slice(0, stored + 1).entries()) {
      if (call !== undefined && !isKept(world, call)) {
        return `stored of ${partition} is ${stored}, and ${offset} (${call.callId}) is not in Mongo`;
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

/**
 * The complete part of an open user's counters equals the calls that count at or below `applied`, and no checkpoint says
 * more.
 */
function wrongCounters(world: World): string | undefined {
  for (const user of openUsers(world)) {
    const { userId, fromDay, buckets } = user;
    const ledger = world.redis.ledgerOf(userId);
    const chains = [...chainsOf(world, userId).values()];
    const counted = chains.map((chain) => countedOf(chain, isApplied(user)));
    const contents = counted.flatMap((links) => links.at(-1)?.content ?? []);
    const wrong =
      wrongBuckets(world, user, buckets, bucketsOf(contents)) ??
      wrongHalfHours(world, user, contents) ??
      wrongCells(world, user, contents, chains.flat());
    if (wrong !== undefined) return wrong;
    const starts = counted.flat().flatMap(({ content }) => (content ? +content.started_at : []));
    const last = Math.max(-1, ...starts);
    // While the user is being filled, an older start may be unknown yet.
    if (user.lastStartedAt !== last && (user.isComplete || dayOf(last) >= fromDay)) {
      return `the latest start of ${userId} is ${user.lastStartedAt} and should be ${last}`;
    }
    for (const link of chains.flat()) {
      const checkpoint = Number(ledger.get(`mark:0:${link.source.partition}`) ?? -1);
      if (link.changes && link.source.offset <= checkpoint && !isApplied(user)(link)) {
        return `the checkpoint of ${link.source.partition} is ${checkpoint}, and ${userId} does not count ${readable(link.id)}`;
      }
    }
  }
  return undefined;
}

function wrongBuckets(
  world: World,
  { userId, applied, fromDay }: Open,
  buckets: ReadonlyMap<string, Bucket>,
  should: ReadonlyMap<string, Bucket>,
): string | undefined {
  for (const name of new Set([...buckets.keys(), ...should.keys()])) {
    const [has, rest] = [buckets.get(name), should.get(name)];
    if ((has ?? rest)!.firstDay < fromDay) continue;
    const [a, b] = [has ?? ZERO_TALLY, rest ?? ZERO_TALLY];
    if (a.calls === b.calls && a.durationMs === b.durationMs) continue;
    return `${name} of ${userId} counts ${told(world, a)}; what Mongo has through ${[...applied]} is ${told(world, b)}`;
  }
  return undefined;
}

/** The same holds for half-hours. All calls here are young enough for them. */
function wrongHalfHours(world: World, user: Open, contents: readonly CallContent[]): string | undefined {
  const held = halfHoursIn(world.redis.hashes, user.userId);
  if (user.cellsMax > 0) return wrongBuckets(world, user, held, halfHoursOf(contents));
  return held.size > 0 ? `${user.userId} has half-hours, and none are kept` : undefined;
}

/**
 * The complete part of a user's sums by cell equals the calls that count, too. Only a month that has had more cells than are
 * kept has none.
 */
function wrongCells(
  world: World,
  user: Open,
  contents: readonly CallContent[],
  links: readonly Link[],
): string | undefined {
  const { userId, fromDay, cellsMax } = user;
  const held = cellsIn(world.redis.hashes, userId);
  const should = cellsOf(contents);
  for (const month of new Set([...held.keys(), ...should.keys()])) {
    const has = held.get(month);
    const firstDay = firstDayOfMonth(month);
    if (typeof has === 'string' && has !== 'beyond') return `cells of ${month} of ${userId}: ${has}`;
    if (cellsMax === 0 && has !== undefined) return `${userId} has cells, and none are kept`;
    if (cellsMax === 0) continue;
    if (has === 'beyond') {
      const named = cellsOf(links.filter(isApplied(user)).flatMap(({ content }) => content ?? []));
      const count = [...(named.get(month)?.keys() ?? [])].filter((name) => name.includes('month')).length;
      if (firstDay >= fromDay && count <= cellsMax)
        return `cells of ${month} of ${userId} are gone, though only ${count} were named`;
      continue;
    }
    const [a, b]: [Cells, Cells] = [has ?? new Map(), should.get(month) ?? new Map()];
    for (const name of new Set([...a.keys(), ...b.keys()])) {
      if ((a.get(name) ?? b.get(name)!).firstDay < fromDay) continue;
      const [x, y] = [a.get(name) ?? ZERO_TALLY, b.get(name) ?? ZERO_TALLY];
      if (x.calls === y.calls && x.durationMs === y.durationMs) continue;
      return `${name} of ${userId} counts ${told(world, x)}; what Mongo has is ${told(world, y)}`;
    }
  }
  return undefined;
}

/** Every event that was acknowledged by as-of of a master is counted for its open users. */
function tooNewAsOf(world: World): string | undefined {
  const { topic, redis, wentBack } = world;
  // Until ingest has read on, as-of is that of the Mongo before.
  if (wentBack) return undefined;
  for (const user of openUsers(world)) {
    const asOf = Number(redis.ledgerOf(user.userId).get('asof') ?? 0);
    for (const [partition, offset] of topic.sent.slice(0, asOf)) {
      const call = topic.log[partition]![offset];
      if (call?.userId !== user.userId) continue;
      const chain: Chain = chainOf(world, call) ?? [];
      const own = chain.find(
        ({ changes, source }) => changes && source.partition === partition && source.offset === offset,
      );
      if (!isKept(world, call) || (own && !countedOf(chain, isApplied(user)).includes(own))) {
        return `as-of of ${user.userId} is ${asOf}, and ${partition}:${offset} of ${call.callId} is not counted`;
      }
    }
  }
  return undefined;
}

export function openUsers({ redis }: World): Open[] {
  return USERS.flatMap((userId) => {
    const id = redis.generationOf(userId);
    const hash = redis.hashes.get(`ct2:{${userId}}`);
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
    const cellsMax = Number(redis.ledgerOf(userId).get('cells_max'));
    const buckets = bucketsIn(redis.hashes, userId);
    return { userId, isComplete, fromDay, applied, lastStartedAt, cellsMax, buckets };
  });
}

function bucketsIn(hashes: World['redis']['hashes'], userId: string): Map<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  const prefix = `ct2:{${userId}}:`;
  for (const [key, fields] of hashes) {
    if (!key.startsWith(prefix)) continue;
    const [kind, number] = key.slice(prefix.length).split(':');
    if (kind !== 'm' && kind !== 'w') continue;
    for (const [field, calls] of fields) {
      if (!field.endsWith('c')) continue;
      const unit = field.slice(0, -1);
      const [name, firstDay] = unitOf(kind, Number(number), unit);
      buckets.set(name, { calls: Number(calls), durationMs: Number(fields.get(`${unit}d`)), firstDay });
    }
  }
  return buckets;
}

/** Name and first day of a week, a month or a day. */
function unitOf(kind: 'm' | 'w', number: number, unit: string): [name: string, firstDay: number] {
  if (kind === 'w') return [`week ${unit}`, firstDayOfWeek(Number(unit))];
  if (unit === '') return [`month ${number}`, firstDayOfMonth(number)];
  const day = firstDayOfMonth(number) + Number(unit) - 1;
  return [`day ${day}`, day];
}

function bucketsOf(contents: readonly CallContent[]): Map<string, Bucket> {
  const buckets = new Map<string, Bucket>();
  for (const { started_at, duration_ms } of contents) {
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

/** Whether the user is applied through a link. It may still lack what the link builds on. */
function isApplied({ applied }: Pick<Open, 'applied'>) {
  return ({ source }: Link) => source.offset <= (applied.get(source.partition) ?? -1);
}

function told(world: World, { calls, durationMs }: Tally): string {
  return `${calls} calls (${versionsIn(world, durationMs)})`;
}

/** Such as `c0, c1 at 2`. */
export function versionsIn({ topic }: World, durationMs: number): string {
  const versions: string[] = [];
  if (durationMs < 0) return `${durationMs} ms`;
  for (let number = 0, rest = durationMs; rest > 0; number++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 0) continue;
    const call = topic.log.flat().find((one) => one?.durationMs === 2 ** number);
    versions.push(call === undefined ? `${2 ** number} ms` : nameOf(call));
  }
  return versions.join(', ');
}

export function nameOf({ callId, revision = 0 }: CallVersion): string {
  return revision === 0 ? callId : `${callId} at ${revision}`;
}
