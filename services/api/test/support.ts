import { setTimeout as sleep } from 'node:timers/promises';
import { CounterSession } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import type { ApiKeyCache, Drain } from '@calltally/http';
import {
  DurationsReader,
  fillUntilComplete,
  type LedgerContext,
  recordBatch,
  startEpoch,
  writeCheckpoint,
} from '@calltally/ledger';
import { type Test, testMongo, testRedis, uniqueName, until } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { createLogger, createMetrics } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../src/app.ts';
import { type Backend, createBackend } from '../src/backend.ts';
import type { AppParts } from '../src/parts.ts';
import type { StreamLimits } from '../src/stream/connection-limit.ts';
import type { TokenKeysOptions } from '../src/tokens/token-keys.ts';
import type { TokenRules } from '../src/tokens/tokens.ts';
import { type Gate, gateTo } from './gate.ts';

export { until } from '@calltally/stack/testing';

/** Noon of the day of the documented example. */
export const NOW_MS = Date.UTC(2026, 2, 28, 12);
const STREAM = 0;
const PARTITION = 0;
/** The maximum, so that the example's month is still kept years from now. */
const RETENTION_MONTHS = 120;
const STOPPED_WITHIN_MS = 60_000;

/** Both engines with a gate in front of each, and the stores as ingest uses them, without gates. */
export interface World {
  redis: Awaited<ReturnType<typeof testRedis>>;
  /** Its address, not behind the gate. */
  mongo: string;
  redisGate: Gate;
  mongoGate: Gate;
  redisUrl: string;
  mongoUri: string;
  database: string;
  /** Not behind the gates. */
  store: Store;
  /** Counts calls as ingest does, in a new assignment epoch each time. */
  count(calls: readonly Call[]): Promise<void>;
  /** FLUSHALL. */
  emptyRedis(): Promise<void>;
  /** A key for a user. */
  keyOf(userId: string, expiresAt?: Date): Promise<string>;
}

/** @param cellsMax cells that counters hold of a user and month. Default: as ingest */
export async function testWorld(t: Test, { cellsMax }: { cellsMax?: number } = {}): Promise<World> {
  const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
  const database = uniqueName('api');
  const redisGate = await gateTo(t, Number(new URL(redis.address).port));
  const mongoGate = await gateTo(t, Number(new URL(mongo.address).port));
  const store = openStore({ uri: mongo.address, database, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  await store.ensureIndexes();
  let next = 0;

  async function begin(): Promise<LedgerContext> {
    const session = await CounterSession.open({
      url: redis.address,
      commandTimeoutMs: 5_000,
      openTimeoutMs: 5_000,
    });
    const states = [{ partition: PARTITION, committed: next, earliest: 0, end: Number.MAX_SAFE_INTEGER }];
    const { ledger } = await startEpoch(store, session, {
      topicEpoch: STREAM,
      partitions: states,
      retentionMonths: RETENTION_MONTHS,
      cellsMax,
    });
    return ledger;
  }

  return {
    redis,
    mongo: mongo.address,
    redisGate,
    mongoGate,
    redisUrl: `redis://127.0.0.1:${redisGate.port}`,
    mongoUri: `mongodb://127.0.0.1:${mongoGate.port}/?directConnection=true`,
    database,
    store,
    async count(calls) {
      const ledger = await begin();
      const events = calls.map((call) => {
        next += 1;
        return { offset: next - 1, call };
      });
      const asOfMs = Date.now();
      await recordBatch(ledger, { topicEpoch: STREAM, partition: PARTITION, events, through: next - 1 });
      await fillUntilComplete(ledger, [...new Set(calls.map(({ userId }) => userId))]);
      await store.progress.advanceAsOf(STREAM, [PARTITION], asOfMs);
      await writeCheckpoint(ledger, { partition: `${STREAM}:${PARTITION}`, through: next - 1, asOfMs });
      ledger.session.end('done');
    },
    async emptyRedis() {
      const session = await CounterSession.open({
        url: redis.address,
        commandTimeoutMs: 5_000,
        openTimeoutMs: 5_000,
      });
      await session.masters[0]?.redis.flushall();
      session.end('done');
    },
    async keyOf(userId, expiresAt) {
      const { apiKey } = await store.apiKeys.create({ userId, ...(expiresAt && { expiresAt }) });
      return apiKey;
    },
  };
}

export interface RunningApi {
  app: FastifyInstance;
  backend: Backend;
  /** Every line that was logged. */
  lines: string[];
  /** `GET` of a path with a key. */
  get(path: string, key?: string): Promise<Answer>;
}

export interface Answer {
  status: number;
  headers: Record<string, unknown>;
  // biome-ignore lint/suspicious/noExplicitAny: tests compare a body with what they expect.
  body: any;
}

/** The API over a world, behind its gates. `now.ms` is its clock. */
export async function testApi(
  t: Test,
  world: Pick<World, 'redisUrl' | 'mongoUri' | 'database'>,
  options: {
    now?: { ms: number };
    rateLimitPerSecond?: number;
    trustedProxies?: readonly string[];
    streamLimits?: StreamLimits;
    streamLifeMs?: () => number;
    readsAtOnceMax?: number;
    drain?: Drain;
    keys?: ApiKeyCache;
    tokens?: TokenRules & TokenKeysOptions;
    origins?: readonly string[];
    /** Wraps the reader. */
    readerOver?: (reader: Backend['reader']) => AppParts['reader'];
    /** Most calls of a range that durations are read of. Default: the reader's own. */
    durationsCallsMax?: number;
  } = {},
): Promise<RunningApi> {
  const { now = { ms: NOW_MS }, rateLimitPerSecond = 0, trustedProxies = [] } = options;
  const { streamLimits, streamLifeMs, readsAtOnceMax, drain, keys, readerOver } = options;
  const { tokens, origins, durationsCallsMax } = options;
  const lines: string[] = [];
  const logger = createLogger({
    service: 'api',
    level: 'trace',
    destination: { write: (line) => void lines.push(line) },
  });
  const backend = createBackend(
    { redis: { url: world.redisUrl }, mongo: { uri: world.mongoUri, database: world.database }, tokens },
    logger,
  );
  const metrics = createMetrics('api');
  const app = await buildApp({
    ...backend,
    logger,
    metrics,
    clock: () => now.ms,
    rateLimitPerSecond,
    trustedProxies,
    ...(streamLimits && { streamLimits }),
    ...(streamLifeMs && { streamLifeMs }),
    ...(readsAtOnceMax !== undefined && { readsAtOnceMax }),
    ...(drain && { drain }),
    ...(keys && { keys }),
    ...(origins && { origins }),
    ...(readerOver && { reader: readerOver(backend.reader) }),
    ...(durationsCallsMax !== undefined && {
      durations: new DurationsReader({ ...backend, dashboards: backend.reader }, durationsCallsMax),
    }),
  });
  t.teardown(async () => {
    await inTime('the app', app.close());
    await inTime('the backend', backend.stop());
  });
  await backend.start();
  return {
    app,
    backend,
    lines,
    async get(path, key) {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const response = await app.inject({ url: path, headers });
      return { status: response.statusCode, headers: response.headers, body: bodyOf(response.body) };
    },
  };
}

/** Says what does not stop, where a test would only be silent. */
async function inTime(what: string, stopped: Promise<unknown>): Promise<void> {
  const late = sleep(STOPPED_WITHIN_MS, 'late' as const, { ref: false });
  if ((await Promise.race([stopped, late])) === 'late') throw new Error(`${what} does not stop`);
}

/** Resolves when the API has noticed that Redis is away. Until then, for a second at most, it answers what it remembers. */
export async function untilRedisIsMissed({ get }: Pick<RunningApi, 'get'>): Promise<void> {
  await until(
    () => get('/readyz'),
    ({ body }) => body.dependencies.redis === 'down',
  );
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Calls of one user at these times, with a total of `durationMs`, divided evenly. */
export function callsAt(userId: string, times: readonly number[], durationMs: number): Call[] {
  const each = Math.floor(durationMs / times.length);
  const rest = durationMs - each * times.length;
  return times.map((startedAt, i) => ({
    callId: uniqueName('call'),
    userId,
    startedAt,
    durationMs: each + (i < rest ? 1 : 0),
  }));
}

/**
 * The documented example: 342 calls of 91 245 000 ms in March 2026, 8 of them on the 28th, 45 in its week. They have two
 * agents and no agent, two directions and three statuses.
 */
export function exampleCalls(userId: string): Call[] {
  const spread = (calls: number, from: number, until: number) =>
    Array.from({ length: calls }, (_, i) => from + Math.floor(((until - from) * i) / calls));
  const march = (day: number) => Date.UTC(2026, 2, day);
  const calls = callsAt(
    userId,
    [
      ...spread(342 - 45, march(1), march(23)),
      ...spread(45 - 8, march(23), march(28)),
      ...spread(8, march(28), NOW_MS),
    ],
    91_245_000,
  );
  return withLabels(calls);
}

/** Of two agents or none, in two directions, with three statuses. */
export function withLabels(calls: readonly Call[]): Call[] {
  return calls.map((call, i) => ({
    ...call,
    ...(i % 20 < 18 && { agentId: i % 20 < 11 ? 'booking' : 'support' }),
    direction: i % 3 === 0 ? 'outbound' : 'inbound',
    status: i % 10 === 0 ? 'failed' : i % 7 === 0 ? 'no_answer' : 'completed',
  }));
}
