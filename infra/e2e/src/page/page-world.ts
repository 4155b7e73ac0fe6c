import { buildApp, createBackend } from '@calltally/api';
import type { CallEvent, CompletedCallEvent } from '@calltally/contract';
import { createLogger, createMetrics } from '@calltally/telemetry';
import type { Browser } from 'playwright-core';
import type { Test } from 'tap';
import type { Platform, PlatformOptions } from '../platform.ts';
import { startWorld, type World } from '../world.ts';
import { officeCalls } from './office-calls.ts';
import { startBrowser } from './visit.ts';

const DAYS = 200;

/** The running service, a browser, and a user with half a year of counted calls. */
interface PageWorld extends World {
  browser: Browser;
  url: string;
  userId: string;
  key: string;
  /** A user without calls. */
  emptyUserId: string;
  emptyKey: string;
  /** Publishes a call. Resolves with its id once Kafka acknowledged it. */
  publish(call: Partial<CompletedCallEvent>): Promise<string>;
  publishAll(calls: CallEvent[]): Promise<void>;
  /** Publishes what a later event says of a call. */
  correct(
    callId: string,
    later: Omit<CompletedCallEvent, 'call_id' | 'user_id'> | { deleted: true; revision: number },
  ): Promise<void>;
}

/** Everything ends with `t`. @param nowMs the end of the user's calls */
export async function startPageWorld(
  t: Test,
  options: PlatformOptions = {},
  nowMs = Date.now(),
): Promise<PageWorld> {
  const [browser, world] = await Promise.all([
    startBrowser(t),
    startWorld(t, { sessionTimeoutMs: 30_000, ...options, users: 2 }),
  ]);
  const { platform, oracle, keys } = world;
  const [userId, emptyUserId] = [...keys.keys()] as [string, string];
  const send = async (events: CallEvent[]) => {
    for (const event of events) oracle.add(event);
    await platform.producer.sendAll(events);
  };
  await send(officeCalls(userId, DAYS, nowMs));
  await platform.untilRead();
  await platform.untilCaughtUp(keys.get(userId)!);
  let published = 0;
  return {
    ...world,
    browser,
    url: platform.api.url,
    userId,
    key: keys.get(userId)!,
    emptyUserId,
    emptyKey: keys.get(emptyUserId)!,
    async publish(call) {
      const call_id = `${userId}-published-${published++}`;
      const event = { call_id, user_id: userId, duration_seconds: 61.5 };
      await send([{ ...event, started_at: new Date().toISOString(), ...call }]);
      return call_id;
    },
    publishAll: send,
    correct: (callId, later) => send([{ call_id: callId, user_id: userId, ...later }]),
  };
}

/** An API in this process on the platform's engines. The test moves its clock (`ms`, epoch). Ends with `t`. */
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
