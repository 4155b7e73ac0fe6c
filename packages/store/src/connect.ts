import { MongoClient } from 'mongodb';
import { type ApiKeyRow, ApiKeys } from './api-keys.ts';
import { Calls } from './calls.ts';
import { type DeadLetterStatus, DeadLetterStatuses } from './dead-letter-statuses.ts';
import { storeError } from './errors.ts';
import { Progress, type ProgressRow } from './progress.ts';
import { type RebuildRow, Rebuilds } from './rebuilds.ts';
import type { CallRow } from './rows.ts';
import { Tallies } from './tallies.ts';
import { Users } from './users.ts';
import { maxTimeOf, type WithTimeout, withTimeout } from './with-timeout.ts';

export interface StoreSettings {
  uri: string;
  /** The database; without it the one that the URI names. */
  database?: string;
  /** Bound of one call, from its beginning to its answer, everything included. */
  timeoutMs: number;
  /** How long a call waits for a server when none is known to be there. */
  selectionTimeoutMs: number;
}

export interface Store {
  readonly calls: Calls;
  readonly tallies: Tallies;
  readonly progress: Progress;
  readonly rebuilds: Rebuilds;
  readonly users: Users;
  readonly apiKeys: ApiKeys;
  readonly deadLetterStatuses: DeadLetterStatuses;
  /** Creates the indexes that are missing. @throws StoreError */
  ensureIndexes(): Promise<void>;
  /** @throws StoreError when Mongo does not answer within the limits */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Short, so that a server that hangs is known to within a second and others need not wait for it. */
const HEARTBEAT_MS = 500;

/**
 * Opens the store. Returns at once: the driver connects when it is first used and again after an outage, which is
 * safe here because every write is idempotent.
 * @throws StoreError STORE_URI, STORE_CREDENTIALS where the URI cannot be used
 */
export function openStore(settings: StoreSettings): Store {
  const client = clientOf(settings);
  const db = client.db(settings.database);
  const rows = db.collection<CallRow>('calls');
  const keys = db.collection<ApiKeyRow>('api_keys');

  const closing = new AbortController();
  const callMongo = connectedFirst(client, withTimeout(settings.timeoutMs), closing.signal);

  return {
    calls: new Calls(db, callMongo),
    tallies: new Tallies(rows, callMongo, maxTimeOf(settings.timeoutMs)),
    progress: new Progress(db.collection<ProgressRow>('progress'), callMongo),
    rebuilds: new Rebuilds(db.collection<RebuildRow>('progress'), callMongo),
    users: new Users(rows, callMongo, maxTimeOf(settings.timeoutMs)),
    apiKeys: new ApiKeys(keys, callMongo),
    deadLetterStatuses: new DeadLetterStatuses(db.collection<DeadLetterStatus>('dead_letters'), callMongo),
    async ensureIndexes() {
      await callMongo(async () => {
        await rows.createIndex({ user_id: 1, started_at: 1, duration_ms: 1 });
        await keys.createIndex({ hash: 1 }, { unique: true });
        await keys.createIndex(
          { revoked_at: 1 },
          { partialFilterExpression: { revoked_at: { $exists: true } } },
        );
      });
    },
    async ping() {
      await callMongo(() => db.command({ ping: 1 }));
    },
    close() {
      closing.abort();
      return client.close(true);
    },
  };
}

/** @throws StoreError where the URI cannot be used */
function clientOf(settings: StoreSettings): MongoClient {
  try {
    return new MongoClient(settings.uri, {
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
    });
  } catch (thrown) {
    throw storeError(thrown);
  }
}

/**
 * Connects before a call until that has worked once; from then on the driver sees to it. Left to itself it keeps what
 * is left of a first attempt that failed, and a process that started while Mongo was away would never find it.
 */
function connectedFirst(client: MongoClient, callMongo: WithTimeout, closed: AbortSignal): WithTimeout {
  let connected = false;
  return (call) =>
    callMongo(async (signal) => {
      // A late call must not open again what is closed.
      if (!connected && !closed.aborted) {
        await client.connect();
        connected = true;
      }
      return call(signal);
    });
}
