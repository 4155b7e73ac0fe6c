import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { CounterSession, type Generation, readGenerations } from '@calltally/counters';
import { testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { AsOfMonitor } from '../src/as-of-monitor.ts';
import { AssignmentEpochs } from '../src/assignment-epochs.ts';
import { HeldPartitions } from '../src/held-partitions.ts';
import { createIngestMetrics } from '../src/metrics.ts';
import { TopicAdmin } from '../src/topic-admin.ts';

const LOOKS_MAX = 2_000;

test('as-of of all partitions, whoever counts them', async (t) => {
  const [kafkaEngine, redis, mongo] = await Promise.all([testKafka(t), testRedis(t), testMongo(t)]);
  const name = uniqueName('calls');
  const kafka = kafkaClient({ brokers: kafkaEngine.address.split(','), clientId: 'ingest-test' });
  const store = openStore({
    uri: mongo.address,
    database: uniqueName('ingest'),
    timeoutMs: 20_000,
    selectionTimeoutMs: 10_000,
  });
  const topic = new TopicAdmin(kafka, name, name);
  const counters = { url: redis.address, commandTimeoutMs: 10_000, openTimeoutMs: 5_000 };
  const session = await CounterSession.open(counters);
  t.teardown(async () => {
    session.end('the test is over');
    await Promise.all([topic.close(), store.close()]);
  });
  await topic.use((admin) => ensureTopics(admin, { topic: name, dlqTopic: `${name}.dlq`, partitions: 2 }));

  /** What an ingest process does for its partitions while no event comes. */
  const start = (partitions: readonly number[]) => {
    const metrics = createIngestMetrics();
    const stopping = new AbortController();
    const shared = {
      store,
      topic,
      metrics,
      logger: createLogger({ service: 'ingest', level: 'fatal' }),
      stopping: stopping.signal,
    };
    const epochs = new AssignmentEpochs({ ...shared, counters, retentionMonths: 25, seek() {}, resume() {} });
    const held = new HeldPartitions(shared);
    epochs.assign(partitions);
    const running = new AsOfMonitor({ ...shared, epochs, held }).run();
    const stop = async () => {
      stopping.abort();
      await running;
      epochs.close();
    };
    t.teardown(stop);
    return { epochs, stop };
  };
  const until = async (holds: (generation: Generation) => boolean): Promise<Generation> => {
    for (let look = 1; look <= LOOKS_MAX; look++) {
      const [generation] = (await readGenerations(session)).values();
      if (generation?.asOfMs !== undefined && generation.asOfMs > Math.min(...generation.asOf.values())) {
        throw new Error(`as-of is ${generation.asOfMs}, that of partitions ${[...generation.asOf]}`);
      }
      if (generation !== undefined && holds(generation)) return generation;
      await sleep(10);
    }
    throw new Error('it never held');
  };

  const first = start([0]);
  const alone = await until(({ asOf }) => asOf.has('0:0'));
  t.equal(alone.asOfMs, undefined, 'unknown while nobody has told that of the other partition');
  const second = start([1]);
  const { asOfMs } = await until((generation) => generation.asOfMs !== undefined);
  await until((generation) => generation.asOfMs! > asOfMs!);
  await second.stop();
  const { asOf } = await until((generation) => generation.asOf.get('0:0')! > generation.asOf.get('0:1')!);
  const stands = await until((generation) => generation.asOf.get('0:0')! > asOf.get('0:0')!);
  t.equal(stands.asOfMs, asOf.get('0:1'), 'it waits for the partition that nobody counts');

  const isTold = async () => (await store.progress.streamAndStored(0, [0, 1])).isTold;
  t.ok(await isTold(), 'partitions are told that nobody was erased');
  await store.erasures.close(await store.erasures.begin('u-erased'));
  t.notOk(await isTold(), 'whoever ends an erasure tells nobody');
  while (!(await isTold())) await sleep(10);

  const epoch = first.epochs.current;
  await topic.use((admin) => admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] }));
  await until(() => first.epochs.current !== undefined && first.epochs.current !== epoch);
  t.equal(first.epochs.current!.partitions.size, 3, 'an added partition starts another epoch');
  t.equal((await until(({ checkpoints }) => checkpoints.has('0:2'))).asOf.get('0:2'), asOf.get('0:1'));
});
