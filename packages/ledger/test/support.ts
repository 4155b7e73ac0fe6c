import { CounterSession, type CounterSessionOptions, snapshotUser } from '@calltally/counters';
import {
  type Call,
  type CallVersion,
  dayOf,
  dayOfMonth,
  type Interval,
  isoWeekYear,
  monthOf,
  type Range,
  type Tally,
  weekOf,
} from '@calltally/domain';
import type { Engine } from '@calltally/stack';
import { type Test, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore, type Source, type Store, type Tallies } from '@calltally/store';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { type Db, MongoClient } from 'mongodb';
import {
  type CallBatch,
  CellsReader,
  CountersLink,
  DashboardReader,
  DurationsReader,
  Filler,
  fallbackLimit,
  fillUntilComplete,
  type LedgerContext,
  type PartitionOffsets,
  RowsAsOf,
  SeriesReader,
  startEpoch,
} from '../src/index.ts';

export { until } from '@calltally/stack/testing';

export const DAY_MS = 86_400_000;
export const RETENTION_MONTHS = 25;

export interface World {
  redis: Engine;
  /** A plain client of the same Redis. */
  admin: Redis;
  db: Db;
  store: Store;
  /** A store of another process. */
  connect(): Store;
  open(): Promise<CounterSession>;
  /** The ledger of a fresh session, as a consumer has it when it starts. */
  begin(states?: readonly Partial<PartitionOffsets>[]): Promise<LedgerContext>;
}

export async function testWorld(t: Test): Promise<World> {
  const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
  const database = uniqueName('ledger');
  const stores: Store[] = [];
  const connect = () => {
    const limits = { timeoutMs: 20_000, selectionTimeoutMs: 10_000 };
    stores.push(openStore({ uri: mongo.address, database, ...limits }));
    return stores.at(-1)!;
  };
  const store = connect();
  const client = new MongoClient(mongo.address);
  const db = client.db(database);
  const admin = new Redis(redis.address, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  admin.on('error', () => {});
  const sessions: CounterSession[] = [];
  t.teardown(async () => {
    for (const session of sessions) session.end('the test is over');
    admin.disconnect();
    await db.dropDatabase();
    await Promise.all([client.close(), ...stores.map((one) => one.close())]);
  });
  await store.ensureIndexes();
  const open = async () => {
    const session = await CounterSession.open({
      url: redis.address,
      commandTimeoutMs: 10_000,
      openTimeoutMs: 10_000,
    });
    sessions.push(session);
    return session;
  };
  return {
    redis,
    admin,
    db,
    store,
    connect,
    open,
    async begin(given = [{}, { partition: 1 }]) {
      const states = given.map((state) => ({ partition: 0, committed: 0, earliest: 0, end: 1e9, ...state }));
      const topic = { topicEpoch: 0, partitions: states, retentionMonths: RETENTION_MONTHS };
      return (await startEpoch(store, await open(), topic)).ledger;
    },
  };
}

/** Long, so that a busy machine does not send a reader to the rows. */
const LIMITS = { commandTimeoutMs: 10_000, openTimeoutMs: 10_000 };
/** For a reader like the API's. */
export const REMEMBERS = { ...LIMITS, rememberedBytesMax: 10_000_000 };

/** The readers with everything that the API gives them. */
export async function testReader(
  t: { teardown(step: () => unknown): void },
  world: World,
  store = world.store,
  limits = LIMITS,
) {
  return readerOf(t, store, { url: world.redis.address, ...limits });
}

/** The same of any Redis. */
export async function readerOf(
  t: { teardown(step: () => unknown): void },
  store: Store,
  settings: CounterSessionOptions,
) {
  const link = new CountersLink(settings);
  const filler = new Filler({ ledger: () => link.current && { store, ...link.current } });
  const rowsAsOf = new RowsAsOf(store);
  const parts = { store, link, filler, rowsAsOf, fallbacks: fallbackLimit() };
  const reader = new DashboardReader(parts);
  const series = new SeriesReader(parts);
  const cells = new CellsReader(parts);
  const durations = new DurationsReader({ ...parts, dashboards: reader });
  await link.start();
  rowsAsOf.start();
  filler.start();
  t.teardown(async () => {
    filler.stop();
    await Promise.all([link.stop(), rowsAsOf.stop()]);
  });
  return { link, filler, rowsAsOf, fallbacks: parts.fallbacks, reader, series, cells, durations };
}

export function batchOf(
  partition: number,
  events: { offset: number; call: CallVersion }[],
  through?: number,
): CallBatch {
  return { topicEpoch: 0, partition, events, through: through ?? events.at(-1)!.offset };
}

export function callOf(userId: string, call: Partial<Call> = {}): Call {
  return { callId: uniqueName('call'), userId, startedAt: Date.now(), durationMs: 1_000, ...call };
}

/** The fields that are used here. */
interface Content {
  started_at?: Date;
  duration_ms?: number;
}

interface Row extends Content {
  _id: string;
  user_id: string;
  source: Source;
}

interface Correction extends Row {
  plus?: Content;
  minus?: Content;
}

/**
 * A user's buckets from what Mongo has at or below `through`, by their names in a snapshot: of each call the content of its
 * last correction there, or else of its row. Buckets without calls are left out.
 */
export async function bucketsOfRows(db: Db, userId: string, through: ReadonlyMap<string, number>) {
  const isThrough = ({ source: { stream, partition, offset } }: Row) =>
    offset <= (through.get(`${stream}:${partition}`) ?? -1);
  const rows = await db.collection<Row>('calls').find({ user_id: userId }).toArray();
  const corrections = await db.collection<Correction>('corrections').find({ user_id: userId }).toArray();
  const counted = new Map<string, Content>(rows.filter(isThrough).map((row) => [row._id, row]));
  const byNumber = corrections.filter(isThrough).sort((a, b) => numberOf(a) - numberOf(b));
  for (const correction of byNumber) {
    counted.set(correction._id.slice(0, correction._id.lastIndexOf('\u001f')), correction.plus ?? {});
  }
  const buckets = new Map<string, Tally>();
  for (const { started_at, duration_ms } of counted.values()) {
    if (started_at === undefined) continue;
    const day = dayOf(+started_at);
    const month = monthOf(day);
    const week = weekOf(day);
    for (const name of [`m:${month}`, `m:${month}:${dayOfMonth(day)}`, `w:${isoWeekYear(week)}:${week}`]) {
      const { calls, durationMs } = buckets.get(name) ?? { calls: 0, durationMs: 0 };
      buckets.set(name, { calls: calls + 1, durationMs: durationMs + duration_ms! });
    }
  }
  return new Map([...buckets].sort());
}

function numberOf({ _id }: Row): number {
  return Number(_id.slice(_id.lastIndexOf('\u001f') + 1));
}

/** What counters and rows tell of a user at the same cut; undefined if the counters do not know them. */
export async function bothOf({ db }: World, { session, generations }: LedgerContext, userId: string) {
  const snapshot = await snapshotUser(session, generations, userId, Date.now());
  if (snapshot === undefined) return undefined;
  return {
    applied: snapshot.appliedThrough,
    counters: new Map([...snapshot.buckets].filter(([, { calls }]) => calls !== 0).sort()),
    rows: await bucketsOfRows(db, userId, snapshot.appliedThrough),
  };
}

/** As `bothOf`, once the user is filled. */
export async function bothFilled(world: World, ledger: LedgerContext, userId: string) {
  await fillUntilComplete(ledger, [userId]);
  return (await bothOf(world, ledger, userId))!;
}

export function callsIn(buckets: ReadonlyMap<string, Tally>): number {
  return [...buckets].reduce((sum, [name, { calls }]) => (/^m:\d+$/.test(name) ? sum + calls : sum), 0);
}

/** What a dashboard must tell, from the plain calls, by the calendar of Date. */
export function dashboardOracle(calls: readonly Call[], range: Range, nowMs: number) {
  const now = new Date(nowMs);
  const year = now.getUTCFullYear();
  const month = now.getUTCMonth();
  const today = Date.UTC(year, month, now.getUTCDate());
  const monday = today - ((now.getUTCDay() + 6) % 7) * DAY_MS;
  const within = (from: number, until: number) =>
    calls.filter(({ startedAt }) => startedAt >= from && startedAt < until);
  const inRange = within(range.from, range.until);
  return {
    range: { calls: inRange.length, durationMs: inRange.reduce((sum, call) => sum + call.durationMs, 0) },
    today: within(today, today + DAY_MS).length,
    thisWeek: within(monday, monday + 7 * DAY_MS).length,
    thisMonth: within(Date.UTC(year, month), Date.UTC(year, month + 1)).length,
  };
}

/** The tally of each bucket of a series, from the plain calls, by the calendar of Date. */
export function seriesOracle(calls: readonly Call[], { from, until }: Range, interval: Interval): Tally[] {
  const startOf = (ms: number) => {
    const date = new Date(Math.floor(ms / DAY_MS) * DAY_MS);
    if (interval === 'month') date.setUTCDate(1);
    if (interval === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
    return date.getTime();
  };
  const tallies = new Map<number, Tally>();
  for (let day = startOf(from); day < until; day += DAY_MS) {
    tallies.set(startOf(day), { calls: 0, durationMs: 0 });
  }
  for (const { startedAt, durationMs } of calls) {
    if (startedAt < from || startedAt >= until) continue;
    const tally = tallies.get(startOf(startedAt))!;
    tally.calls += 1;
    tally.durationMs += durationMs;
  }
  return [...tallies.values()];
}

/** Fails with the smallest counterexample. Asserting by `t` would keep fast-check from shrinking it. */
export async function holds<T>(
  t: { pass(message: string): void },
  property: fc.IAsyncProperty<T>,
  numRuns: number,
) {
  await fc.assert(property, { numRuns });
  t.pass(`${numRuns} runs`);
}

/** Tallies that call back before and after each sum by day. */
export function watched(
  tallies: Tallies,
  before: (userIds: readonly string[], range: Range) => unknown = () => {},
  after: () => unknown = () => {},
): Tallies {
  const sumByDayAndPartition: Tallies['sumByDayAndPartition'] = async (userIds, through, bounds = {}) => {
    await before(userIds, bounds.range ?? { from: -Infinity, until: Infinity });
    const found = await tallies.sumByDayAndPartition(userIds, through, bounds);
    await after();
    return found;
  };
  return bound(tallies, { sumByDayAndPartition });
}

/** A session that calls back before each script for users, and with its replies. */
export function interposed(
  session: CounterSession,
  before: (script: string) => unknown,
  after: (
    script: string,
    commands: readonly UserCommand[],
    replies: readonly unknown[],
  ) => unknown = () => {},
): CounterSession {
  const runForUsers: CounterSession['runForUsers'] = async (script, commands) => {
    await before(script);
    const replies = await session.runForUsers(script, commands);
    await after(script, commands, replies);
    return replies;
  };
  return bound(session, { runForUsers });
}

type UserCommand = Parameters<CounterSession['runForUsers']>[1][number];

/** An object with some methods replaced. The others get the object itself, with its private fields. */
export function bound<T extends object>(object: T, replaced: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      if (name in replaced) return replaced[name as keyof T];
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
