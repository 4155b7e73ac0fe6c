import { decodeCallEvent, ensureTopics, type KafkaLog, kafkaClient } from '@calltally/contract';
import {
  type CallEvent,
  CallEventInvalidError,
  CallEventProducerError,
  createCallEventProducer,
} from '@calltally/contract/producer';
import { testKafka, uniqueName } from '@calltally/stack/testing';
import kafkajs from 'kafkajs';
import { test } from 'tap';
import { readMessages } from './support.ts';

const event = (index: number, user = index % 5): CallEvent => ({
  call_id: `c-${index}`,
  user_id: `u-${user}`,
  started_at: '2026-03-01T09:30:00Z',
  duration_seconds: index,
});
const events = (count: number) => Array.from({ length: count }, (_, index) => event(index));

test('the producer on a real Kafka', async (t) => {
  const engine = await testKafka(t);
  const brokers = [engine.address];
  const kafka = kafkaClient({ brokers, clientId: 'producer-test' });
  const admin = kafka.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  const freshTopic = async () => {
    const topic = uniqueName('calls');
    await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 3 });
    return topic;
  };

  await t.test('an event is stored where the producer says, with its user as the key', async (t) => {
    const topic = await freshTopic();
    const producer = createCallEventProducer({ brokers, topic });
    t.teardown(() => producer.close());
    const places = await producer.sendAll(events(40));
    const read = await readMessages(kafka, topic, 40);
    const choose = kafkajs.Partitioners.JavaCompatiblePartitioner();
    const partitionMetadata = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions;
    for (const [index, { partition, offset }] of places.entries()) {
      const message = read.find((one) => one.partition === partition && one.offset === offset);
      t.equal(String(message?.key), event(index).user_id);
      t.equal(decodeCallEvent(message!.value, Date.now()).call?.callId, `c-${index}`);
      t.equal(partition, choose({ topic, partitionMetadata, message: { key: message!.key, value: null } }));
    }
  });

  await t.test('each event gets the headers that the caller gives when it is sent', async (t) => {
    const topic = await freshTopic();
    let sent = 0;
    const headers = () => ({ traceparent: `trace-${sent++}`, tracestate: 'a=b' });
    const producer = createCallEventProducer({ brokers, topic, headers });
    t.teardown(() => producer.close());
    await producer.send(event(0));
    await producer.sendAll([event(1), event(2)]);
    const read = await readMessages(kafka, topic, 3);
    const found = read.map(({ headers }) => [String(headers?.traceparent), String(headers?.tracestate)]);
    t.same(
      found.sort(),
      [0, 1, 2].map((n) => [`trace-${n}`, 'a=b']),
    );
  });

  await t.test(
    'the key of a user of any script is the UTF-8 of their id, where Java’s clients put it',
    async (t) => {
      const topic = await freshTopic();
      const producer = createCallEventProducer({ brokers, topic });
      t.teardown(() => producer.close());
      const users = ['+15550100042', '客户', '💬'.repeat(256), '__proto__', 'e\u0301', '\u00e9', 'a:b;c'];
      const places = await producer.sendAll(users.map((user_id, index) => ({ ...event(index), user_id })));
      const read = await readMessages(kafka, topic, users.length);
      const choose = kafkajs.Partitioners.JavaCompatiblePartitioner();
      const partitionMetadata = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions;
      for (const [index, { partition, offset }] of places.entries()) {
        const key = read.find((one) => one.partition === partition && one.offset === offset)!.key!;
        t.same(key, Buffer.from(users[index]!));
        t.equal(partition, choose({ topic, partitionMetadata, message: { key, value: null } }));
      }
    },
  );

  for (const compression of ['none', 'gzip'] as const) {
    await t.test(`order is kept for every user, in batches of any size, ${compression}`, async (t) => {
      const topic = await freshTopic();
      const producer = createCallEventProducer({ brokers, topic, maxBatch: 7, maxBuffered: 20, compression });
      t.teardown(() => producer.close());
      await Promise.all(events(1_000).map((one) => producer.send(one)));
      const read = await readMessages(kafka, topic, 1_000);
      t.equal(read.length, 1_000);
      for (const { partitionId } of (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!
        .partitions) {
        const numbers = read
          .filter(({ partition }) => partition === partitionId)
          .map(({ value }) => JSON.parse(String(value)).duration_seconds);
        t.same(
          numbers,
          numbers.toSorted((a: number, b: number) => a - b),
        );
      }
    });
  }

  await t.test('an invalid event is refused before anything is sent', async (t) => {
    const topic = await freshTopic();
    const producer = createCallEventProducer({ brokers, topic });
    const invalid = { ...event(1), agent_id: 'a\n' };
    const refusal = { code: 'FIELD_INVALID', field: 'agent_id', retryable: false };
    await t.rejects(producer.send(invalid), refusal);
    await t.rejects(producer.sendAll([event(0), invalid]), {
      ...refusal,
      index: 1,
      message: /^event 1: agent_id/,
    });
    await t.rejects(producer.send({ ...event(1), duration_seconds: Number.NaN }), {
      code: 'DURATION_INVALID',
    });
    const large = { ...event(1), note: 'x'.repeat(70_000) };
    await t.rejects(producer.send(large), { code: 'EVENT_TOO_LARGE' });
    const unserialisable = { ...event(1), note: 1n };
    await t.rejects(producer.send(unserialisable), { code: 'EVENT_NOT_JSON' });
    await t.rejects(producer.send(undefined as unknown as CallEvent), CallEventInvalidError);
    await producer.close();
    const offsets = await admin.fetchTopicOffsets(topic);
    t.ok(offsets.every(({ high }) => high === '0'));
  });

  await t.test('close delivers what was sent, may be called twice, and refuses later events', async (t) => {
    const topic = await freshTopic();
    const producer = createCallEventProducer({ brokers, topic, lingerMs: 60_000 });
    const sent = Promise.all(events(20).map((one) => producer.send(one)));
    const closed = [producer.close(), producer.close()];
    await t.rejects(producer.send(event(21)), { code: 'PRODUCER_CLOSED', retryable: false });
    await t.rejects(producer.sendAll([]), CallEventProducerError);
    await Promise.all(closed);
    t.equal((await sent).length, 20);
    t.equal((await readMessages(kafka, topic, 20)).length, 20);
  });

  await t.test('flush does not linger', async (t) => {
    const topic = await freshTopic();
    const producer = createCallEventProducer({ brokers, topic, lingerMs: 60_000 });
    t.teardown(() => producer.close());
    await producer.flush();
    const sent = producer.send(event(0));
    await producer.flush();
    t.match(await sent, { offset: '0' });
  });

  await t.test('large events are spread over requests that the broker takes', async (t) => {
    const topic = await freshTopic();
    const producer = createCallEventProducer({ brokers, topic });
    t.teardown(() => producer.close());
    const large = events(60).map((one) => ({ ...one, user_id: 'u-1', note: 'x'.repeat(60_000) }));
    const places = await producer.sendAll(large);
    t.same(
      places.map(({ offset }) => offset),
      large.map((_, index) => String(index)),
    );
  });

  await t.test('a missing topic is named in the error, and not created', async (t) => {
    const topic = uniqueName('missing');
    const producer = createCallEventProducer({ brokers, topic, deliveryTimeoutMs: 2_000 });
    t.teardown(() => producer.close());
    await t.rejects(producer.send(event(0)), {
      code: /PRODUCER_(UNAVAILABLE|TIMEOUT)/,
      retryable: true,
      message: new RegExp(topic),
    });
    t.notOk((await admin.listTopics()).includes(topic));
  });

  await t.test(
    'while the broker is gone sends fail and say that a retry helps; afterwards it does',
    async (t) => {
      if (engine.external) return t.comment('not with a Kafka that is not ours to stop');
      const topic = await freshTopic();
      const lines: string[] = [];
      const log: KafkaLog = (level, message) => lines.push(`${level} ${message}`);
      const producer = createCallEventProducer({
        brokers,
        topic,
        log,
        deliveryTimeoutMs: 1_500,
        maxBuffered: 10,
      });
      t.teardown(() => producer.close());
      await producer.send(event(0, 1));
      await engine.stop('SIGKILL');
      const results = await Promise.allSettled(events(25).map((one) => producer.send(one)));
      const codes = new Set<string>();
      for (const result of results) {
        if (result.status === 'fulfilled') return t.fail('nobody was there to acknowledge');
        t.ok(result.reason instanceof CallEventProducerError && result.reason.retryable);
        codes.add(result.reason.code);
      }
      t.ok(
        [...codes].every((code) => /^PRODUCER_(UNAVAILABLE|TIMEOUT|BUFFER_FULL)$/.test(code)),
        [...codes].join(),
      );
      t.ok(lines.length > 0, 'what kafkajs has to say goes to the log');
      await engine.start();
      const sent = await untilAcknowledged(() => producer.send(event(99, 1)));
      const written = (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
      const read = await readMessages(kafka, topic, written);
      const last = read.find(
        ({ partition, offset }) => partition === sent.partition && offset === sent.offset,
      );
      t.match(String(last?.value), '"c-99"', 'it is there, not taken for a repetition of another');
    },
  );
});

/** A broker that just came back needs a moment to lead its partitions. */
async function untilAcknowledged<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (attempt === 20 || !(error instanceof CallEventProducerError) || !error.retryable) throw error;
    }
  }
}
