import { randomBytes } from 'node:crypto';
import { CounterSession } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { type LedgerContext, repairUsers, startEpoch, writeCheckpoint } from '@calltally/ledger';
import type { Engine } from '@calltally/stack';
import { type ApiKeyRow, type CallRow, hashApiKey, openStore, type Store, toRow } from '@calltally/store';
import { Redis } from 'ioredis';
import { type Collection, MongoClient } from 'mongodb';
import type { Bench } from '../bench.ts';
import { freshRedis, mongo } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';

const PARTITIONS = 6;
const RETENTION_MONTHS = 25;
const STORE_TIMEOUT_MS = 600_000;
const REDIS_TIMEOUT_MS = 60_000;
const ROWS_AT_ONCE = 2_000;
const USERS_AT_ONCE = 200;
const WRITERS = 4;

/** Rows, counters and keys as ingest and operators leave them, in their own database and Redis. */
export class World {
  readonly redis: Engine;
  readonly mongoUri: string;
  readonly store: Store;
  /** The rows, through the driver only. */
  readonly rows: Collection<CallRow>;
  readonly #keys: Collection<ApiKeyRow>;
  readonly #ends = new Array<number>(PARTITIONS).fill(0);

  private constructor(redis: Engine, mongoUri: string, store: Store, client: MongoClient) {
    this.redis = redis;
    this.mongoUri = mongoUri;
    this.store = store;
    this.rows = client.db().collection('calls');
    this.#keys = client.db().collection('api_keys');
  }

  static async start(bench: Bench, database: string): Promise<World> {
    const [redis, engine] = await Promise.all([freshRedis(bench), bench.shared(mongo)]);
    const mongoUri = `${engine.address}/${database}`;
    const store = openStore({ uri: mongoUri, timeoutMs: STORE_TIMEOUT_MS, selectionTimeoutMs: 10_000 });
    const client = await new MongoClient(mongoUri, { readConcern: { level: 'majority' } }).connect();
    bench.atEnd(() => Promise.all([store.close(), client.close()]));
    await store.ensureIndexes();
    return new World(redis, mongoUri, store, client);
  }

  /** The environment in which a service finds this world. */
  get environment(): Record<string, string> {
    return { REDIS_URL: this.redis.address, MONGODB_URI: this.mongoUri };
  }

  /** Inserts rows of calls that Redis does not count yet. */
  async insert(calls: Iterable<Call>): Promise<void> {
    const limits = { size: ROWS_AT_ONCE, atOnce: WRITERS };
    await inParallel(calls, limits, async (piece) => {
      await this.store.calls.insert(piece.map((call) => toRow(call, this.#nextPlace(call.userId))));
    });
  }

  /** Moves the inserted rows to an earlier topic epoch, so that their offsets belong to no event. */
  async endStream(): Promise<void> {
    await this.#raiseStored();
    await this.store.progress.beginStream(0);
  }

  async emptyRedis(): Promise<void> {
    const redis = new Redis(this.redis.address);
    await redis.flushall();
    redis.disconnect();
  }

  /** Leaves Redis as after it was emptied and ingest has started again: every user is cold. */
  async forgetCounters(): Promise<void> {
    await this.emptyRedis();
    const { session } = await this.begin();
    session.end('begun');
  }

  /** Bytes that Redis uses. */
  async redisBytes(): Promise<number> {
    const redis = new Redis(this.redis.address);
    const said = await redis.info('memory');
    redis.disconnect();
    return Number(/^used_memory:(\d+)/m.exec(said)![1]);
  }

  /**
   * One generation, with checkpoints through everything inserted. The caller ends the session.
   * @param detail whether sums by half-hour and by cell are kept
   */
  async begin(detail = true): Promise<LedgerContext> {
    const states = this.#ends.map((next, partition) => ({
      partition,
      committed: next,
      earliest: 0,
      end: next + 1,
    }));
    await this.#raiseStored();
    const session = await CounterSession.open({
      url: this.redis.address,
      commandTimeoutMs: REDIS_TIMEOUT_MS,
      openTimeoutMs: REDIS_TIMEOUT_MS,
    });
    const topic = {
      topicEpoch: 0,
      partitions: states,
      retentionMonths: RETENTION_MONTHS,
      ...(!detail && { cellsMax: 0 }),
    };
    const { ledger } = await startEpoch(this.store, session, topic);
    return ledger;
  }

  /** Counts what was inserted. From now on answers have an as-of, as with a running ingest. @param detail as in `begin` */
  async count(userIds: Iterable<string>, detail = true): Promise<void> {
    const ledger = await this.begin(detail);
    await inParallel(userIds, { size: USERS_AT_ONCE, atOnce: WRITERS }, async (piece) => {
      await repairUsers(ledger, piece, { slots: WRITERS });
    });
    const asOfMs = Date.now();
    for (const [partition, next] of this.#ends.entries()) {
      await writeCheckpoint(ledger, { partition: `0:${partition}`, through: next - 1, asOfMs });
    }
    ledger.session.end('counted');
  }

  /** Creates a key for each user, in the same order. */
  async createKeys(userIds: readonly string[]): Promise<string[]> {
    const keys = userIds.map(() => `ct_${randomBytes(32).toString('base64url')}`);
    const rows = keys.map((key, i): ApiKeyRow => {
      const hash = hashApiKey(key);
      return { _id: `key_${hash.slice(0, 18)}`, hash, user_id: userIds[i]!, created_at: new Date() };
    });
    await inParallel(rows, { size: ROWS_AT_ONCE, atOnce: WRITERS }, (piece) => this.#keys.insertMany(piece));
    return keys;
  }

  async #raiseStored(): Promise<void> {
    for (const [partition, next] of this.#ends.entries()) {
      await this.store.progress.advanceStored(0, partition, next - 1);
    }
  }

  /** All events of a user are in one partition, as with their message key on Kafka. */
  #nextPlace(userId: string): { stream: number; partition: number; offset: number } {
    const partition = userId.charCodeAt(userId.length - 1) % PARTITIONS;
    const offset = this.#ends[partition]!;
    this.#ends[partition] = offset + 1;
    return { stream: 0, partition, offset };
  }
}

/** The same number of calls for each user, evenly spaced from `from` to `until`, and the same in every run. */
export function* spreadCalls(
  userIds: Iterable<string>,
  callsEach: number,
  { from, until }: { from: number; until: number },
): Generator<Call> {
  const stepMs = (until - from) / callsEach;
  let user = 0;
  for (const userId of userIds) {
    // Shift each user's calls, so that they do not all coincide.
    const shiftMs = (user++ * 7_919_000) % stepMs;
    for (let i = 0; i < callsEach; i++) {
      yield {
        callId: `${userId}-${i}`,
        userId,
        startedAt: from + Math.floor(i * stepMs + shiftMs),
        durationMs: 1_000 + ((user * 31 + i) % 600) * 1_000,
        direction: 'inbound',
        status: 'completed',
      };
    }
  }
}

/** `user-000000`, `user-000001`, … */
export function userIdsUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `user-${String(i).padStart(6, '0')}`);
}
