import { buildApp, createBackend } from '@calltally/api';
import type { Test } from '@calltally/stack/testing';
import { createLogger, createMetrics } from '@calltally/telemetry';
import type { Platform } from '../platform.ts';

/** An API in this process over the platform's engines, by a clock that the test moves (`ms`, epoch). Ends with `t`. */
export async function startApiWithClock(
  t: Test,
  platform: Platform,
  clock: { ms: number },
): Promise<{ url: string }> {
  const logger = createLogger({ service: 'api', level: 'error' });
  const backend = createBackend(
    { redis: { url: platform.redis.address }, mongo: { uri: platform.mongoUri } },
    logger,
  );
  const app = await buildApp({ ...backend, logger, metrics: createMetrics('api'), clock: () => clock.ms });
  t.teardown(async () => {
    await app.close();
    await backend.stop();
  });
  await backend.start();
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }) };
}
