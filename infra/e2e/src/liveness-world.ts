import { setTimeout as sleep } from 'node:timers/promises';
import { createCallEventProducer } from '@calltally/contract/producer';
import type { CounterSessionOptions } from '@calltally/counters';
import { buildHttp, createIngestMetrics, Ingest } from '@calltally/ingest';
import { type Test, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';

/** Five minutes in production. */
const STUCK_AFTER_MS = 1_500;

interface Addresses {
  /** `host:port` each. The producer uses these. */
  kafka: string[];
  /** The brokers of ingest; default: the same. */
  ingestKafka?: string[];
  mongo: string;
  redis: Pick<CounterSessionOptions, 'url' | 'clusterNodes'>;
}

/** Ingest in this process, and what it tells about its health. It is not started. */
export function createLivenessWorld(t: Test, addresses: Addresses, wrap = (store: Store) => store) {
  const topic = uniqueName('calls');
  const store = openStore({
    uri: addresses.mongo,
    database: topic,
    timeoutMs: 30_000,
    selectionTimeoutMs: 2_000,
  });
  const metrics = createIngestMetrics();
  const ingest = new Ingest(
    {
      kafka: {
        brokers: addresses.ingestKafka ?? addresses.kafka,
        topic,
        dlqTopic: `${topic}.dlq`,
        groupId: topic,
        sessionTimeoutMs: 3_000,
      },
      counters: { ...addresses.redis, commandTimeoutMs: 10_000, openTimeoutMs: 2_000 },
      retentionMonths: 25,
      audit: { share: 0, usersPerMinute: 0 },
    },
    {
      store: wrap(store),
      metrics,
      logger: createLogger({ service: 'ingest', level: 'silent' }),
      stuckAfterMs: STUCK_AFTER_MS,
    },
  );
  const http = buildHttp({
    registry: metrics.registry,
    readiness: () => ingest.readiness,
    stuck: () => ingest.stuck,
  });
  const producer = createCallEventProducer({ brokers: addresses.kafka, topic });
  t.teardown(async () => {
    await Promise.all([producer.close(), ingest.stop(), http.close()]);
    await store.close();
  });

  const health = async () => {
    const { statusCode, body } = await http.inject('/healthz');
    return { status: statusCode, stuck: (JSON.parse(body).stuck ?? []) as string[] };
  };
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    for (const end = Date.now() + 180_000; !(await isSo()); await sleep(50)) {
      if (Date.now() > end) throw new Error(`never ${what}: ${JSON.stringify(await health())}`);
    }
  };
  return {
    topic,
    ingest,
    http,
    store,
    until,
    send: (userId = 'acme') =>
      producer.send({
        call_id: uniqueName('call'),
        user_id: userId,
        started_at: new Date().toISOString(),
        duration_seconds: 60,
      }),
    isReady: async () => (await http.inject('/readyz')).statusCode === 200 && (await health()).status === 200,
    /** Waits until it asks for a restart. @returns what is stuck */
    untilStuck: async () => {
      await until('stuck', async () => (await health()).status === 503);
      return (await health()).stuck;
    },
    /** Waits until it has been alive long enough to be found stuck three times: a busy machine may hang for a moment. */
    untilAlive: (although: string) =>
      until(`alive although ${although}`, async () => {
        for (const end = Date.now() + 3 * STUCK_AFTER_MS; Date.now() < end; await sleep(50)) {
          if ((await health()).status !== 200) return false;
        }
        return true;
      }),
  };
}
