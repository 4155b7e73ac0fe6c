import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { testKafka, testMongo, testRedisCluster, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { AssignmentEpochs } from '../src/assignment-epochs.ts';
import { createIngestMetrics } from '../src/metrics.ts';
import { TopicAdmin } from '../src/topic-admin.ts';

const LOOKS_MAX = 3_000;

/** Lets something happen once, while an epoch starts. */
class InterruptedTopic extends TopicAdmin {
  interrupt: (() => Promise<unknown>) | undefined;

  override async partitions() {
    const { interrupt } = this;
    this.interrupt = undefined;
    await interrupt?.();
    return super.partitions();
  }
}

test('a master that is back while an epoch starts is not left out', async (t) => {
  const [kafkaEngine, mongo, cluster] = await Promise.all([
    testKafka(t),
    testMongo(t),
    testRedisCluster(t, { replicas: 0, nodeTimeoutMs: 1_000 }),
  ]);
  const name = uniqueName('calls');
  const topic = new InterruptedTopic(
    kafkaClient({ brokers: kafkaEngine.address.split(','), clientId: 'ingest-test' }),
    name,
    name,
  );
  const store = openStore({
    uri: mongo.address,
    database: uniqueName('ingest'),
    timeoutMs: 20_000,
    selectionTimeoutMs: 10_000,
  });
  const stopping = new AbortController();
  const said: string[] = [];
  const epochs = new AssignmentEpochs({
    store,
    topic,
    counters: {
      clusterNodes: cluster.nodes.map(({ host, port }) => ({ host, port })),
      commandTimeoutMs: 10_000,
      openTimeoutMs: 2_000,
    },
    retentionMonths: 25,
    metrics: createIngestMetrics(),
    logger: createLogger({
      service: 'ingest',
      level: 'info',
      destination: { write: (line) => said.push(line) },
    }),
    seek() {},
    resume() {},
    stopping: stopping.signal,
  });
  t.teardown(async () => {
    stopping.abort();
    epochs.close();
    await Promise.all([topic.close(), store.close()]);
  });
  await topic.use((admin) => ensureTopics(admin, { topic: name, dlqTopic: `${name}.dlq`, partitions: 1 }));
  const isSaid = async (words: string) => {
    for (let look = 1; look <= LOOKS_MAX; look++) {
      if (said.join('').includes(words)) return true;
      await sleep(10);
    }
    return false;
  };

  const [dead] = cluster.nodes;
  await dead!.stop('SIGKILL');
  topic.interrupt = async () => {
    t.ok(await isSaid('a Redis master is away'));
    await dead!.start();
    t.ok(await isSaid('opening another session'));
  };
  epochs.assign([0]);
  const epoch = await epochs.acquire(async () => {});
  t.strictSame(epoch!.ledger.session.absent, []);
  t.equal(epoch!.ledger.generations.size, 3);
});
