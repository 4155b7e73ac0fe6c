import { ApiKeyCache, HealthProbe, OutageLog, RevocationWatcher, toLoggedError } from '@calltally/http';
import {
  CellsReader,
  type ConcurrencyLimit,
  CountersLink,
  DashboardReader,
  DurationsReader,
  Filler,
  fallbackLimit,
  RowsAsOf,
  SeriesReader,
} from '@calltally/ledger';
import type { apiSettings, Settings } from '@calltally/settings';
import { openStore, type Store } from '@calltally/store';
import type { Logger } from '@calltally/telemetry';
import pRetry from 'p-retry';
import { ProbedTallies } from './probed-tallies.ts';
import { TokenKeys } from './tokens/token-keys.ts';
import { Tokens } from './tokens/tokens.ts';

/** Long enough for a large user's rows, short enough for people who wait. */
const ROWS_TIMEOUT_MS = 3_000;
/** Keys and pings are small, and a poll for revoked keys must end well within two seconds. */
const KEYS_TIMEOUT_MS = 1_200;
const SELECTION_TIMEOUT_MS = 300;
const COMMAND_TIMEOUT_MS = 100;
const OPEN_TIMEOUT_MS = 500;
/** Enough for the default windows of some 100 000 users. */
const REMEMBERED_BYTES_MAX = 64 * 1024 * 1024;
const INDEX_RETRY_MIN_MS = 500;
const INDEX_RETRY_MAX_MS = 10_000;

/** Everything behind the app: both stores, the readers, and what keeps them connected. */
export interface Backend {
  /** For keys and pings. */
  readonly store: Store;
  readonly link: CountersLink;
  readonly reader: DashboardReader;
  readonly series: SeriesReader;
  readonly cells: CellsReader;
  readonly durations: DurationsReader;
  readonly keys: ApiKeyCache;
  /** Undefined if only keys are accepted. */
  readonly tokens: Tokens | undefined;
  readonly filler: Filler;
  readonly fallbacks: ConcurrencyLimit;
  readonly rowsAsOf: RowsAsOf;
  /** Resolves after one attempt to reach Redis. The rest continues by itself, with or without the stores. */
  start(): Promise<void>;
  /** Ends what `start` began, and closes both stores. */
  stop(): Promise<void>;
}

export function createBackend(
  settings: Pick<Settings<typeof apiSettings>, 'redis' | 'mongo'> & Partial<Settings<typeof apiSettings>>,
  logger: Logger,
): Backend {
  const open = (timeoutMs: number) =>
    openStore({ ...settings.mongo, timeoutMs, selectionTimeoutMs: SELECTION_TIMEOUT_MS });
  const rows = open(ROWS_TIMEOUT_MS);
  // Separate connections, so that a key does not wait behind the rows of sixteen large users.
  const store = open(KEYS_TIMEOUT_MS);
  const outage = new OutageLog(logger, 'Redis', 'answers come from Mongo');
  const link = new CountersLink(
    {
      ...settings.redis,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      timeoutExcludesStalls: true,
      openTimeoutMs: OPEN_TIMEOUT_MS,
      rememberedBytesMax: REMEMBERED_BYTES_MAX,
    },
    {
      away: (reason) => outage.away(reason),
      back: () => outage.back(),
      untracked: (reason) =>
        logger.warn(
          { fault: toLoggedError(reason) },
          'Redis does not tell which keys have changed, so it is asked for every answer',
        ),
    },
  );
  const rowsAsOf = new RowsAsOf(rows);
  const filler = new Filler({
    ledger: () => link.current && { store: rows, ...link.current },
    onFailure: (thrown) => logger.warn({ err: thrown }, 'fill failed, retrying'),
    ...settings.fill,
  });
  const tallies = new ProbedTallies(rows.tallies, new HealthProbe(store));
  const fallbacks = fallbackLimit();
  const read = { store: { tallies }, link, filler, rowsAsOf, fallbacks };
  const reader = new DashboardReader(read);
  const series = new SeriesReader(read);
  const cells = new CellsReader(read);
  const durations = new DurationsReader({ ...read, dashboards: reader });
  const keys = new ApiKeyCache(store.apiKeys);
  const watcher = new RevocationWatcher(
    store.apiKeys,
    keys,
    new OutageLog(logger, 'Mongo', 'keys known here stay valid, and counters are read'),
  );
  const tokenKeys =
    settings.tokens &&
    new TokenKeys(
      settings.tokens,
      new OutageLog(logger, 'The issuer of tokens', 'its keys that are known here go on'),
    );
  const tokens = tokenKeys && new Tokens(tokenKeys, settings.tokens!);
  const stopping = new AbortController();
  let indexing: Promise<void> = Promise.resolve();

  return {
    store,
    link,
    reader,
    series,
    cells,
    durations,
    keys,
    tokens,
    filler,
    fallbacks,
    rowsAsOf,
    async start() {
      watcher.start();
      tokenKeys?.start();
      rowsAsOf.start();
      filler.start();
      indexing = ensureIndexes(rows, logger, stopping.signal);
      await link.start();
    },
    async stop() {
      stopping.abort();
      await filler.stop();
      await Promise.all([watcher.stop(), tokenKeys?.stop(), rowsAsOf.stop(), link.stop(), indexing]);
      await Promise.all([rows.close(), store.close()]);
    },
  };
}

/** Creates missing indexes, and retries while Mongo is away. Never rejects. */
async function ensureIndexes(store: Store, logger: Logger, signal: AbortSignal): Promise<void> {
  await pRetry(() => store.ensureIndexes(), {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: INDEX_RETRY_MIN_MS,
    maxTimeout: INDEX_RETRY_MAX_MS,
    signal,
    onFailedAttempt: ({ error, attemptNumber }) => {
      if (attemptNumber > 1) return;
      logger.warn({ fault: toLoggedError(error) }, 'cannot create indexes, retrying');
    },
  }).catch(() => {});
}
