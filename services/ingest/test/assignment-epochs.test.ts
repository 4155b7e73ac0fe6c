import { setTimeout as sleep } from 'node:timers/promises';
import { ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { CounterSession } from '@calltally/counters';
import { type Test, testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { AssignmentEpochs } from '../src/assignment-epochs.ts';
import { createIngestMetrics } from '../src/metrics.ts';
import { TopicAdmin } from '../src/topic-admin.ts';

/** Lets something happen once, between what the brokers said and whatever is asked next. */
class InterruptedTopic extends TopicAdmin {
  interrupt: (() => Promise<unknown>) | undefined;

  override async partitions() {
    const states = await super.partitions();
    const interrupt = this.interrupt;
    this.interrupt = undefined;
    await interrupt?.();
    return states;
  }
}

/** Counting on a topic of one partition with one event that is stored. */
async function countingOf(t: Test) {
  const [kafkaEngine, redis, mongo] = await Promise.all([testKafka(t), testRedis(t), testMongo(t)]);
  const name = uniqueName('calls');
  const brokers = kafkaEngine.address.split(',');
  const kafka = kafkaClient({ brokers, clientId: 'ingest-test' });
  const store = openStore({
    uri: mongo.address,
    database: uniqueName('ingest'),
    timeoutMs: 20_000,
    selectionTimeoutMs: 10_000,
  });
  const topic = new InterruptedTopic(kafka, name, name);
  const producer = createCallEventProducer({ brokers, topic: name });
  const counters = { url: redis.address, commandTimeoutMs: 10_000, openTimeoutMs: 5_000 };
  const said: string[] = [];
  const sought: [partition: number, offset: number][] = [];
  const counting = new AssignmentEpochs({
    store,
    counters,
    retentionMonths: 25,
    topic,
    metrics: createIngestMetrics(),
    logger: createLogger({
      service: 'ingest',
      level: 'info',
      destination: { write: (line) => said.push(line) },
    }),
    seek: (partition, offset) => void sought.push([partition, offset]),
    resume() {},
  });
  t.teardown(async () => {
    counting.stop();
    await Promise.all([producer.close(), topic.close(), store.close()]);
  });
  await topic.use((admin) => ensureTopics(admin, { topic: name, dlqTopic: `${name}.dlq`, partitions: 1 }));
  /** What another consumer does with an event: it is in the topic, and then it is stored. */
  const storeAnother = async () => {
    const place = await producer.send({
      call_id: uniqueName('call'),
      user_id: 'u-1',
      started_at: new Date().toISOString(),
      duration_seconds: 1,
    });
    await store.progress.advanceStored(0, 0, Number(place.offset));
  };
  /** Cuts every connection to Redis, and waits until that is known. */
  const cutRedis = async () => {
    const session = await CounterSession.open(counters);
    await session.masters[0]!.redis.call('CLIENT', 'KILL', 'TYPE', 'normal');
    session.end('done');
    for (let step = 0; step < 500 && !said.join('').includes('Redis session ended'); step++) {
      await sleep(10);
    }
  };
  await storeAnother();
  /** Connections to Redis, but for the one that asks. */
  const connections = async () => {
    const session = await CounterSession.open(counters);
    const clients = String(await session.masters[0]!.redis.call('CLIENT', 'LIST', 'TYPE', 'normal'));
    session.end('done');
    return clients.trim().split('\n').length - 1;
  };
  return { counting, topic, store, storeAnother, cutRedis, connections, said, sought };
}

test('a partition that another consumer takes further, while a beginning is looked for, is not refused', async (t) => {
  const { counting, topic, storeAnother, said } = await countingOf(t);
  topic.interrupt = storeAnother;
  counting.assign([0]);
  const { refused, positions } = await counting.begin();
  t.equal(topic.interrupt, undefined, 'it went further in between');
  t.strictSame([...refused], []);
  t.equal(positions.next(0), 2, 'and is read from behind what is stored');
  t.notMatch(said.join(''), /was recreated/);
});

test('a partition that ends below what is stored, however often it is asked, is refused', async (t) => {
  const { counting, store, said } = await countingOf(t);
  await store.progress.advanceStored(0, 0, 1_000);
  counting.assign([0]);
  const { refused, positions } = await counting.begin();
  t.strictSame([...refused], [0]);
  t.equal(positions.next(0), undefined);
  t.match(said.join(''), /was recreated/);
});

test('a beginning goes back where the consumer has gone on, and only there', async (t) => {
  const { counting, sought } = await countingOf(t);
  counting.assign([0]);
  const first = await counting.begin();
  t.strictSame(sought, [[0, 1]], 'behind what is stored, where nothing was committed');
  counting.fetched(0, 1);
  counting.invalidate(first);
  const second = await counting.begin();
  t.strictSame(sought, [[0, 1]], 'the consumer stands there');
  counting.fetched(0, 4);
  counting.invalidate(second);
  await counting.begin();
  t.strictSame(sought, [
    [0, 1],
    [0, 1],
  ]);
});

test('a beginning whose session is cut when Redis has been read is looked for again', async (t) => {
  const { counting, store, cutRedis, said } = await countingOf(t);
  const { progress } = store;
  const stored = progress.stored.bind(progress);
  let questions = 0;
  progress.stored = async () => {
    questions += 1;
    // First for the marks of a new generation, then to compare with the marks: that is the last of it.
    if (questions === 2) await cutRedis();
    return stored();
  };
  counting.assign([0]);
  const { ledger } = await counting.begin();
  t.match(said.join(''), /Redis session ended/);
  t.equal(questions, 4);
  t.ok(ledger.session.isOpen, 'nobody else would notice, and ingest would stand still');
  t.equal(counting.current?.ledger, ledger);
});

test('an assignment that comes while a beginning is looked for leaves one beginning, for all to go by', async (t) => {
  const { counting, topic } = await countingOf(t);
  // The second one is found first, as with a first one that waits for a store to come back.
  topic.interrupt = async () => {
    counting.assign([0]);
    await counting.begin();
  };
  counting.assign([0]);
  const first = await counting.begin();
  t.equal(topic.interrupt, undefined, 'it came in between');
  t.ok(counting.current);
  t.equal(counting.current, await counting.begin(), 'what is current is what batches are given');
  t.equal(counting.current, first, 'and whoever waited for the first one has it, too');
});

test('assignments that come while the session is opened share one, and stopping leaves none', async (t) => {
  const { counting, connections } = await countingOf(t);
  for (let i = 0; i < 5; i++) {
    counting.assign([0]);
    await new Promise(setImmediate);
  }
  await counting.begin();
  t.equal(await connections(), 1, 'nobody would end another one');
  counting.assign([0]);
  counting.stop();
  await t.rejects(counting.begin());
  for (let step = 0; step < 500 && (await connections()) > 0; step++) await sleep(10);
  t.equal(await connections(), 0);
});
