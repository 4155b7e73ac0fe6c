import { ApiKeyCache, OutageLog, RevocationWatcher } from '@calltally/http';
import type { intakeSettings, Settings } from '@calltally/settings';
import { openStore, type Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import { HookCache } from './hooks/hook-cache.ts';
import { Sink } from './sink.ts';

/** Keys and hooks are small, and platforms wait. */
const STORE_TIMEOUT_MS = 1_200;
const SELECTION_TIMEOUT_MS = 300;

/** Everything behind the app. */
export interface Backend {
  readonly store: Store;
  readonly sink: Sink;
  readonly keys: ApiKeyCache;
  readonly hooks: HookCache;
  /** Nothing waits for it: keys, hooks and Kafka are reached when they are needed. */
  start(): void;
  /** Waits for what is under way, and closes everything. */
  stop(): Promise<void>;
}

/** @throws StoreError if MONGODB_URI cannot be used */
export function createBackend(
  { kafka, mongo }: Pick<Settings<typeof intakeSettings>, 'kafka' | 'mongo'>,
  logger: Logger,
): Backend {
  const store = openStore({
    ...mongo,
    timeoutMs: STORE_TIMEOUT_MS,
    selectionTimeoutMs: SELECTION_TIMEOUT_MS,
  });
  const { brokers, ssl, sasl, topic, dlqTopic } = kafka;
  const sink = new Sink({ brokers, ssl, sasl, topic, dlqTopic });
  const keys = new ApiKeyCache(store.apiKeys);
  const watcher = new RevocationWatcher(
    store.apiKeys,
    keys,
    new OutageLog(logger, 'Mongo', 'keys and hooks known here stay valid'),
  );
  return {
    store,
    sink,
    keys,
    hooks: new HookCache(store.hooks),
    start: () => watcher.start(),
    async stop() {
      await Promise.all([watcher.stop(), sink.close()]);
      await store.close();
    },
  };
}
