import { isTracing } from '@calltally/telemetry';
import { MongoClient } from 'mongodb';
import pTimeout from 'p-timeout';
import { type ApiKeyRow, ApiKeys } from './api-keys.ts';
import type { CallRow } from './call-row.ts';
import { Calls } from './calls.ts';
import { type CorrectionRow, Corrections } from './corrections.ts';
import { type DeadLetterStatus, DeadLetterStatuses } from './dead-letter-statuses.ts';
import { ErasedCalls } from './erased-calls.ts';
import { type ErasureRow, Erasures } from './erasures.ts';
import { storeError } from './errors.ts';
import { type HookReceiptRow, HookReceipts } from './hook-receipts.ts';
import { type DeletedHookRow, type HookRow, Hooks } from './hooks.ts';
import { indexRows, keepOutVersionBefore } from './indexes.ts';
import { createMongoCall } from './mongo-call.ts';
import { Progress, type ProgressRow } from './progress.ts';
import { type RebuildRow, Rebuilds } from './rebuilds.ts';
import { Tallies } from './tallies.ts';
import { traceCommands } from './trace-commands.ts';
import { Upgrade } from './upgrade.ts';
import { Users } from './users.ts';

export interface StoreSettings {
  uri: string;
  /** Without it, the database that the URI names. */
  database?: string;
  /** Limit of one call, everything included. */
  timeoutMs: number;
  /** How long a call waits for a server when none is known to be up. */
  selectionTimeoutMs: number;
}

export interface Store {
  readonly calls: Calls;
  readonly corrections: Corrections;
  readonly tallies: Tallies;
  readonly progress: Progress;
  readonly rebuilds: Rebuilds;
  readonly users: Users;
  readonly apiKeys: ApiKeys;
  readonly hooks: Hooks;
  readonly hookReceipts: HookReceipts;
  readonly erasures: Erasures;
  readonly erasedCalls: ErasedCalls;
  readonly deadLetterStatuses: DeadLetterStatuses;
  readonly upgrade: Upgrade;
  /** Creates missing indexes. @throws StoreError */
  ensureIndexes(): Promise<void>;
  /** @throws StoreError if Mongo does not answer within the limits */
  ping(): Promise<void>;
  /** Ends all connections, or gives up after two seconds. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 2_000;
/** Short: a hanging server is noticed within a second, so calls need not wait for it. */
const HEARTBEAT_MS = 500;

/**
 * Opens the store. Returns at once: the driver connects with the first call, and again after an outage.
 * @throws StoreError STORE_URI, STORE_CREDENTIALS if the URI cannot be used
 */
export function openStore(settings: StoreSettings): Store {
  const client = clientOf(settings);
  const db = client.db(settings.database);
  const rows = db.collection<CallRow>('calls');
  const corrections = db.collection<CorrectionRow>('corrections');
  const keys = db.collection<ApiKeyRow>('api_keys');
  const hooks = db.collection<HookRow | DeletedHookRow>('hooks');
  const erasures = db.collection<ErasureRow>('erasures');

  const closing = new AbortController();
  const mongo = createMongoCall(client, settings.timeoutMs, closing.signal);

  const progressRows = db.collection<ProgressRow>('progress');
  const progress = new Progress(progressRows, mongo);
  const hookReceipts = new HookReceipts(db.collection<HookReceiptRow>('hook_receipts'), mongo);
  const upgrade = new Upgrade(db, progress, mongo);

  return {
    calls: new Calls(db, mongo),
    corrections: new Corrections(db, mongo),
    tallies: new Tallies(rows, corrections, mongo),
    progress,
    rebuilds: new Rebuilds(db.collection<RebuildRow>('progress'), mongo),
    users: new Users(rows, mongo),
    apiKeys: new ApiKeys(keys, mongo),
    hooks: new Hooks(hooks, mongo),
    hookReceipts,
    erasures: new Erasures(erasures, progressRows, mongo),
    erasedCalls: new ErasedCalls(rows, corrections, mongo),
    deadLetterStatuses: new DeadLetterStatuses(db.collection<DeadLetterStatus>('dead_letters'), mongo),
    upgrade,
    async ensureIndexes() {
      const isOutdated = await upgrade.isNeeded();
      await mongo(async () => {
        await indexRows(rows);
        await corrections.createIndex({ user_id: 1, 'plus.started_at': 1 });
        await corrections.createIndex({ user_id: 1, 'minus.started_at': 1 });
        await corrections.createIndex(
          { user_id: 1 },
          { partialFilterExpression: { needs: { $exists: true } } },
        );
        await erasures.createIndex({ version: 1 });
        await erasures.createIndex({ state: 1, finished_at: 1 });
        await keys.createIndex({ hash: 1 }, { unique: true });
        await hooks.createIndex({ 'definition.user.id': 1 });
        await hookReceipts.createIndex();
        // Else the version before has created it, and may still have to start.
        if (!isOutdated) await keepOutVersionBefore(db);
      });
    },
    async ping() {
      await mongo(() => db.command({ ping: 1 }));
    },
    async close() {
      closing.abort();
      // The driver may wait for a server that does not answer.
      await pTimeout(client.close(true), { milliseconds: CLOSE_WITHIN_MS, fallback: () => {} });
    },
  };
}

/** @throws StoreError */
function clientOf(settings: StoreSettings): MongoClient {
  try {
    const client = new MongoClient(settings.uri, {
      appName: 'calltally',
      writeConcern: { w: 'majority' },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      socketTimeoutMS: settings.timeoutMs,
      waitQueueTimeoutMS: settings.timeoutMs,
      serverSelectionTimeoutMS: settings.selectionTimeoutMs,
      connectTimeoutMS: Math.max(settings.selectionTimeoutMs, HEARTBEAT_MS),
      heartbeatFrequencyMS: HEARTBEAT_MS,
      maxPoolSize: 16,
      ignoreUndefined: true,
      monitorCommands: isTracing(),
    });
    if (isTracing()) traceCommands(client);
    return client;
  } catch (thrown) {
    throw storeError(thrown);
  }
}
