import { createSecretKey } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { type Test, testKafka, testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { createLogger, createMetrics } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';
import { buildApp } from '../src/app.ts';
import { createBackend } from '../src/backend.ts';
import type { AppParts } from '../src/parts.ts';

/** A moment that all test events are before. */
export const NOW_MS = Date.UTC(2026, 2, 28, 12);
export const HOOK_KEYS = [{ id: 'test', key: createSecretKey(Buffer.alloc(32, 7)) }];
const READ_WITHIN_MS = 120_000;

export interface Message {
  key: string;
  value: string;
  headers: Record<string, string>;
}

export interface World {
  app: FastifyInstance;
  store: Store;
  /** What intake logged, a line each. */
  log: string[];
  topic: string;
  kafka: string;
  mongo: string;
  /** A key of a user, or of the platform. */
  writeKey(userId?: string): Promise<string>;
  /** Waits until there are so many messages on the topic, or the dead-letter topic, and gives all of them. */
  messages(count: number, which?: 'events' | 'letters'): Promise<Message[]>;
}

/**
 * Intake on a real Kafka and Mongo, with a topic and a database of its own.
 * @param away addresses at which nothing answers, for intake alone
 */
export async function testWorld(
  t: Test,
  parts: Partial<AppParts> = {},
  away: { kafka?: string; mongo?: string } = {},
): Promise<World> {
  const [kafka, mongo] = await Promise.all([testKafka(t), testMongo(t)]);
  const brokers = kafka.address.split(',');
  const client = kafkaClient({ brokers, clientId: 'intake-test' });
  const topic = uniqueName('calls');
  const dlqTopic = `${topic}.dlq`;
  const admin = client.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  await ensureTopics(admin, { topic, dlqTopic });

  const uri = `${mongo.address}/${topic.replaceAll('-', '_')}`;
  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  await store.ensureIndexes();

  const log: string[] = [];
  const destination = { write: (line: string) => void log.push(line) };
  const logger = createLogger({ service: 'intake', level: 'debug', destination });
  const backend = createBackend(
    {
      kafka: {
        brokers: away.kafka === undefined ? brokers : [away.kafka],
        ssl: false,
        topic,
        dlqTopic,
        groupId: 'none',
        sessionTimeoutMs: 6_000,
      },
      mongo: { uri: away.mongo ?? uri, database: uri.split('/').at(-1)! },
    },
    logger,
  );
  backend.start();
  const metrics = createMetrics('intake');
  const app = await buildApp({ ...backend, logger, metrics, topic, hookKeys: HOOK_KEYS, ...parts });
  t.teardown(async () => {
    await app.close();
    await backend.stop();
  });

  return {
    app,
    store,
    log,
    topic,
    kafka: kafka.address,
    mongo: uri,
    async writeKey(userId) {
      const owner = userId === undefined ? { platform: true as const } : { userId };
      return (await store.apiKeys.create({ ...owner, scope: 'write' })).apiKey;
    },
    async messages(count, which = 'events') {
      const consumer = client.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
      const found: Message[] = [];
      await consumer.connect();
      try {
        await consumer.subscribe({ topic: which === 'events' ? topic : dlqTopic, fromBeginning: true });
        await consumer.run({
          autoCommit: false,
          eachMessage: async ({ message: { key, value, headers = {} } }) => {
            const names = Object.entries(headers).map(([name, header]) => [name, String(header)]);
            found.push({ key: String(key), value: String(value), headers: Object.fromEntries(names) });
          },
        });
        for (const end = Date.now() + READ_WITHIN_MS; found.length < count && Date.now() < end; )
          await sleep(50);
        // More than expected would come now.
        await sleep(200);
      } finally {
        await consumer.disconnect();
      }
      return found;
    },
  };
}

/** A valid event. */
export function eventOf(n: number, more: object = {}): Record<string, unknown> {
  return {
    call_id: `c-${n}`,
    user_id: 'u-1',
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: n,
    ...more,
  };
}
