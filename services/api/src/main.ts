import { Drain, LogLines, toLoggedError } from '@calltally/http';
import { apiSettings, checkConfigOnly, readSettings, SettingsError } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { createLogger, createMetrics } from '@calltally/telemetry';
import { buildApp } from './app.ts';
import { createBackend } from './backend.ts';
import { buildManagement } from './management.ts';

/** After the drain. Together they must be less than an orchestrator waits before it kills the process. */
const STOP_TIMEOUT_MS = 9_000;
/** Connections that wait to be accepted. The kernel drops more, and their clients retry a second later. */
const BACKLOG = 4_096;

function settingsOrExit() {
  try {
    return readSettings(apiSettings, process.env);
  } catch (thrown) {
    if (!(thrown instanceof SettingsError)) throw thrown;
    console.error(thrown.message);
    process.exit(1);
  }
}

const settings = settingsOrExit();
if (checkConfigOnly(process.argv)) {
  console.log('the settings can be used');
  process.exit(0);
}

const logger = createLogger({ service: 'api', level: settings.log.level, destination: new LogLines() });
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    logger.fatal({ fault: toLoggedError(thrown) }, 'unexpected error, exiting');
    process.exit(1);
  });
}

function backendOrExit() {
  try {
    return createBackend(settings, logger);
  } catch (thrown) {
    // Before any connection, only an unusable MONGODB_URI throws.
    if (!(thrown instanceof StoreError)) throw thrown;
    logger.fatal({ fault: toLoggedError(thrown) }, thrown.meaning);
    process.exit(1);
  }
}

const backend = backendOrExit();
const { host, port, managementPort } = settings.http;
const shared = { ...backend, metrics: createMetrics('api'), drain: new Drain() };
const management = managementPort === undefined ? undefined : await buildManagement(shared);
const app = await buildApp({
  ...shared,
  logger,
  managedElsewhere: management !== undefined,
  trustedProxies: settings.proxy.trusted,
  rateLimitPerSecond: settings.rateLimit.perSecond,
});

let stopping = false;
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (stopping) {
    logger.warn({ signal }, 'asked again to stop, exiting at once');
    process.exit(1);
  }
  stopping = true;
  // SIGINT comes from a person at a terminal, who would have to wait.
  const drainMs = signal === 'SIGTERM' ? settings.drain.ms : 0;
  logger.info({ signal, drainMs }, 'stopping');
  await shared.drain.begin(drainMs);
  setTimeout(() => {
    logger.error('not stopped in time, exiting');
    process.exit(1);
  }, STOP_TIMEOUT_MS).unref();
  // Requests first: they still need the stores.
  await app.close();
  await backend.stop();
  // Last, so that readiness says no until the end.
  await management?.close();
  logger.info('stopped');
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

async function listenOrExit(work: () => Promise<unknown>, variables: string): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    logger.fatal(
      { fault: toLoggedError(thrown) },
      `cannot listen; end what listens there, or set ${variables}`,
    );
    process.exit(1);
  }
}

await backend.start();
await listenOrExit(
  () =>
    app.listen({ host, port, backlog: BACKLOG, listenTextResolver: (address) => `listening on ${address}` }),
  'PORT or HOST',
);
// Afterwards: readiness speaks for the other port.
if (management !== undefined) {
  await listenOrExit(async () => {
    const address = await management.listen({ host, port: managementPort });
    logger.info(`health and metrics are served on ${address}`);
  }, 'MANAGEMENT_PORT or HOST');
}
