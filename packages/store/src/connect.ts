import { MongoClient } from 'mongodb';
import { type ApiKeyRow, ApiKeys } from './api-keys.ts';
import { Calls } from './calls.ts';
import { storeError } from './errors.ts';
import { Progress, type ProgressRow } from './progress.ts';
import type { CallRow } from './rows.ts';
import { Tallies } from './tallies.ts';

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
  readonly apiKeys: ApiKeys;
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
 */
export function openStore(settings: StoreSettings): Store {
  const client = new MongoClient(settings.uri, {
    appName: 'calltally',
    writeConcern: { w: 'majority' },
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    timeoutMS: settings.timeoutMs,
    serverSelectionTimeoutMS: settings.selectionTimeoutMs,
    connectTimeoutMS: Math.max(settings.selectionTimeoutMs, HEARTBEAT_MS),
    heartbeatFrequencyMS: HEARTBEAT_MS,
    maxPoolSize: 16,
    ignoreUndefined: true,
  });
  const db = client.db(settings.database);
  const rows = db.collection<CallRow>('calls');
  const keys = db.collection<ApiKeyRow>('api_keys');

  return {
    calls: new Calls(rows),
    tallies: new Tallies(rows),
    progress: new Progress(db.collection<ProgressRow>('progress')),
    apiKeys: new ApiKeys(keys),
    async ensureIndexes() {
      try {
        await rows.createIndex({ user_id: 1, started_at: 1, duration_ms: 1 });
        await keys.createIndex({ hash: 1 }, { unique: true });
        await keys.createIndex(
          { revoked_at: 1 },
          { partialFilterExpression: { revoked_at: { $exists: true } } },
        );
      } catch (thrown) {
        throw storeError(thrown);
      }
    },
    async ping() {
      try {
        await db.command({ ping: 1 });
      } catch (thrown) {
        throw storeError(thrown);
      }
    },
    close: () => client.close(true),
  };
}
