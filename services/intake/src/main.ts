import {
  Drain,
  exitWhenUnexpected,
  LogLines,
  listenOrExit,
  stopWhenAsked,
  toLoggedError,
} from '@calltally/http';
import { checkConfigOnly, intakeSettings, settingsOrExit } from '@calltally/settings';
import { StoreError } from '@calltally/store';
import { createLogger, createMetrics, startTracing } from '@calltally/telemetry';
import { buildApp } from './app.ts';
import { createBackend } from './backend.ts';
import { buildManagement } from './management.ts';

const settings = settingsOrExit(intakeSettings);
if (checkConfigOnly(process.argv)) {
  console.log('the settings can be used');
  process.exit(0);
}

const logger = createLogger({ service: 'intake', level: settings.log.level, destination: new LogLines() });
exitWhenUnexpected(logger);
const tracing = await startTracing(settings.tracing, { service: 'intake', logger });

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
const shared = { ...backend, metrics: createMetrics('intake'), drain: new Drain() };
const management = settings.http.managementPort === undefined ? undefined : await buildManagement(shared);
const app = await buildApp({
  ...shared,
  logger,
  topic: settings.kafka.topic,
  hookKeys: settings.hooks.keys,
  publicUrl: settings.hooks.publicUrl,
  managedElsewhere: management !== undefined,
  trustedProxies: settings.proxy.trusted,
});
stopWhenAsked(logger, {
  drain: shared.drain,
  drainMs: settings.drain.ms,
  async close() {
    // What was accepted is in Kafka: requests are answered only then, and closing waits for their answers.
    await app.close();
    await backend.stop();
    await management?.close();
    await tracing.stop();
  },
});

backend.start();
await listenOrExit(logger, { app, management }, settings.http, {
  port: 'INTAKE_PORT',
  managementPort: 'INTAKE_MANAGEMENT_PORT',
});
