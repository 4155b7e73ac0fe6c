import { apiSettings, checkConfigOnly, readSettings, SettingsError } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { createLogger, createMetrics } from '@calltally/telemetry';
import { buildApp } from './app.ts';
import { createBackend } from './backend.ts';
import { LogLines } from './log-lines.ts';
import { toLoggedError } from './redaction.ts';

/** Before an orchestrator kills the process, usually after ten seconds. */
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
const app = await buildApp({
  ...backend,
  logger,
  metrics: createMetrics('api'),
  trustedProxies: settings.proxy.trusted,
  rateLimitPerSecond: settings.rateLimit.perSecond,
});

let stopping = false;
async function stop(signal: NodeJS.Signals): Promise<void> {
  if (stopping) return;
  stopping = true;
  logger.info({ signal }, 'stopping');
  setTimeout(() => {
    logger.error('not stopped in time, exiting');
    process.exit(1);
  }, STOP_TIMEOUT_MS).unref();
  // Requests first: they still need the stores.
  await app.close();
  await backend.stop();
  logger.info('stopped');
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

await backend.start();
try {
  await app.listen({
    ...settings.http,
    backlog: BACKLOG,
    listenTextResolver: (address) => `listening on ${address}`,
  });
} catch (thrown) {
  logger.fatal(
    { fault: toLoggedError(thrown) },
    'cannot listen; end what listens there, or set PORT or HOST',
  );
  process.exit(1);
}
