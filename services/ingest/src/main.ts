import { checkConfigOnly, ingestSettings, settingsOrExit } from '@calltally/settings';
import { openStore, StoreError } from '@calltally/store';
import { createLogger, startTracing } from '@calltally/telemetry';
import { buildHttp } from './http.ts';
import { Ingest } from './ingest.ts';
import { createIngestMetrics } from './metrics.ts';

const STORE_TIMEOUT_MS = 30_000;
const SELECTION_TIMEOUT_MS = 2_000;
const REDIS_COMMAND_TIMEOUT_MS = 10_000;
const REDIS_OPEN_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 9_000;

const settings = settingsOrExit(ingestSettings);
if (checkConfigOnly(process.argv)) process.exit(0);

const logger = createLogger({ service: 'ingest', level: settings.log.level });
const metrics = createIngestMetrics();
const tracing = await startTracing(settings.tracing, { service: 'ingest', logger });

function storeOrExit() {
  const limits = { timeoutMs: STORE_TIMEOUT_MS, selectionTimeoutMs: SELECTION_TIMEOUT_MS };
  try {
    return openStore({ ...settings.mongo, ...limits });
  } catch (thrown) {
    // Only a wrong URI fails before the first connection.
    if (!(thrown instanceof StoreError)) throw thrown;
    logger.fatal({ code: thrown.code }, thrown.meaning);
    process.exit(1);
  }
}

const store = storeOrExit();
const ingest = new Ingest(
  {
    kafka: settings.kafka,
    counters: {
      ...settings.redis,
      commandTimeoutMs: REDIS_COMMAND_TIMEOUT_MS,
      openTimeoutMs: REDIS_OPEN_TIMEOUT_MS,
    },
    ...settings.counters,
    fill: settings.fill,
    audit: settings.audit,
  },
  { store, metrics, logger },
);
const http = buildHttp({
  registry: metrics.registry,
  readiness: () => ingest.readiness,
  stuck: () => ingest.stuck,
});

let stopping = false;

/** Ends within STOP_TIMEOUT_MS, even if a store hangs: what is not committed comes again. */
async function stop(status: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(status), STOP_TIMEOUT_MS).unref();
  await ingest.stop();
  await Promise.allSettled([http.close(), store.close(), tracing.stop()]);
  process.exit(status);
}

process.once('SIGTERM', () => void stop(0));
process.once('SIGINT', () => void stop(0));
void ingest.crashed.then((error) => {
  logger.fatal({ err: error }, 'consumer crashed, exiting so that a supervisor restarts it');
  void stop(1);
});

const { host, port } = settings.http;
try {
  logger.info({ address: await http.listen({ host, port }) }, 'health and metrics are served');
} catch (thrown) {
  const { code } = thrown as NodeJS.ErrnoException;
  logger.fatal({ code, host, port }, 'cannot listen; end what listens there, or set INGEST_PORT or HOST');
  process.exit(1);
}
await ingest.start();
