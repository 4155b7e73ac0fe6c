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

/** Lets something happen once, after the brokers were asked for the offsets. */
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

/** Assignment epochs over a topic of one partition with two stored events. */
async function epochsOf(t: Test) {
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
  const stopping = new AbortController();
  const epochs = new AssignmentEpochs({
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
    stopping: stopping.signal,
  });
  const stop = () => {
    stopping.abort();
    epochs.close();
  };
  /** The current epoch, or the next one; there is one unless ingest is stopping. */
  const acquire = async () => (await epochs.acquire(async () => {}))!;
  t.teardown(async () => {
    stop();
    await Promise.all([producer.close(), topic.close(), store.close()]);
  });
  await topic.use((admin) => ensureTopics(admin, { topic: name, dlqTopic: `${name}.dlq`, partitions: 1 }));
  /** What another consumer does: an event is on the topic, and then it is stored. */
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
    for (let step = 0; step < 500 && !said.join('').includes('another session with Redis'); step++) {
      await sleep(10);
    }
  };
  await storeAnother();
  await storeAnother();
  /** Connections to Redis, but for the one that asks. */
  const connections = async () => {
    const session = await CounterSession.open(counters);
    const clients = String(await session.masters[0]!.redis.call('CLIENT', 'LIST', 'TYPE', 'normal'));
    session.end('done');
    return clients.trim().split('\n').length - 1;
  };
  return { epochs, acquire, stop, topic, store, storeAnother, cutRedis, connections, said, sought };
}

test('a partition that another consumer moves on while an epoch starts is not refused', async (t) => {
  const { epochs, acquire, topic, storeAnother, said } = await epochsOf(t);
  topic.interrupt = storeAnother;
  epochs.assign([0]);
  const { refused, positions } = await acquire();
  t.equal(topic.interrupt, undefined, 'it moved on in between');
  t.strictSame([...refused], []);
  t.equal(positions.next(0), 2, 'and is read from the last stored event, since nothing was committed');
  t.notMatch(said.join(''), /was recreated/);
});

test('a partition that still ends below its stored offset when asked again is refused', async (t) => {
  const { epochs, acquire, store, said } = await epochsOf(t);
  await store.progress.advanceStored(0, 0, 1_000);
  epochs.assign([0]);
  const { refused, positions } = await acquire();
  t.strictSame([...refused], [0]);
  t.equal(positions.next(0), undefined);
  t.match(said.join(''), /was recreated/);
});

test('an epoch seeks only partitions whose consumer is elsewhere', async (t) => {
  const { epochs, acquire, sought } = await epochsOf(t);
  epochs.assign([0]);
  const first = await acquire();
  t.strictSame(sought, [[0, 1]], 'at the last stored event, since nothing was committed');
  epochs.fetched(0, 1);
  epochs.invalidate(first);
  const second = await acquire();
  t.strictSame(sought, [[0, 1]], 'the consumer is there');
  epochs.fetched(0, 4);
  epochs.invalidate(second);
  await acquire();
  t.strictSame(sought, [
    [0, 1],
    [0, 1],
  ]);
});

test('an epoch whose session is cut after Redis was read is started again', async (t) => {
  const { epochs, acquire, store, cutRedis, said } = await epochsOf(t);
  const { progress } = store;
  const stored = progress.storedThrough.bind(progress);
  let questions = 0;
  progress.storedThrough = async () => {
    questions += 1;
    // First for the checkpoints of a new generation, then to compare with the checkpoints, which is the last question.
    if (questions === 2) await cutRedis();
    return stored();
  };
  epochs.assign([0]);
  const { ledger } = await acquire();
  t.match(said.join(''), /opening another session with Redis/);
  t.equal(questions, 4);
  t.ok(ledger.session.isOpen, 'nobody else would notice that it ended, and ingest would stand still');
  t.equal(epochs.current?.ledger, ledger);
});

test('a session that is cut while an epoch stands starts another one, though nobody asks', async (t) => {
  const { epochs, acquire, cutRedis } = await epochsOf(t);
  epochs.assign([0]);
  const first = await acquire();
  await cutRedis();
  for (let step = 0; step < 500 && epochs.current === undefined; step++) await sleep(10);
  t.not(epochs.current, undefined, 'what was not counted before the cut is read again at once');
  t.not(epochs.current, first);
});

test('an assignment that comes while an epoch starts leaves one epoch for all', async (t) => {
  const { epochs, acquire, topic } = await epochsOf(t);
  // The second one starts first, as if the first one waited for a store to come back.
  topic.interrupt = async () => {
    epochs.assign([0]);
    await acquire();
  };
  epochs.assign([0]);
  const first = await acquire();
  t.equal(topic.interrupt, undefined, 'it came in between');
  t.ok(epochs.current);
  t.equal(epochs.current, await acquire(), 'batches get the current one');
  t.equal(epochs.current, first, 'and so does whoever waited for the first one');
});

test('assignments that come while a session opens share it, and stopping leaves none', async (t) => {
  const { epochs, acquire, stop, connections } = await epochsOf(t);
  for (let i = 0; i < 5; i++) {
    epochs.assign([0]);
    await new Promise(setImmediate);
  }
  await acquire();
  t.equal(await connections(), 1, 'nobody would end a second one');
  epochs.assign([0]);
  stop();
  t.equal(await acquire(), undefined);
  for (let step = 0; step < 500 && (await connections()) > 0; step++) await sleep(10);
  t.equal(await connections(), 0);
});
