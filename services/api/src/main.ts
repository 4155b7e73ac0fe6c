import {
  Drain,
  exitWhenUnexpected,
  LogLines,
  listenOrExit,
  stopWhenAsked,
  toLoggedError,
} from '@calltally/http';
import { apiSettings, checkConfigOnly, settingsOrExit } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { createLogger, createMetrics, startTracing } from '@calltally/telemetry';
import { buildApp } from './app.ts';
import { createBackend } from './backend.ts';
import { buildManagement } from './management.ts';

const settings = settingsOrExit(apiSettings);
if (checkConfigOnly(process.argv)) {
  console.log('the settings can be used');
  process.exit(0);
}

const logger = createLogger({ service: 'api', level: settings.log.level, destination: new LogLines() });
exitWhenUnexpected(logger);
const tracing = await startTracing(settings.tracing, { service: 'api', logger });

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
const shared = { ...backend, metrics: createMetrics('api'), drain: new Drain() };
const management = settings.http.managementPort === undefined ? undefined : await buildManagement(shared);
const app = await buildApp({
  ...shared,
  logger,
  managedElsewhere: management !== undefined,
  trustedProxies: settings.proxy.trusted,
  origins: settings.cors.origins,
  rateLimitPerSecond: settings.rateLimit.perSecond,
});
stopWhenAsked(logger, {
  drain: shared.drain,
  drainMs: settings.drain.ms,
  async close() {
    await app.close();
    await backend.stop();
    // Last, so that readiness says no until the end.
    await management?.close();
    await tracing.stop();
  },
});

await backend.start();
await listenOrExit(logger, { app, management }, settings.http, {
  port: 'PORT',
  managementPort: 'MANAGEMENT_PORT',
});
