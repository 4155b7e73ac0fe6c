import { CUT_HEADER, deadLetterMessage, ensureTopics, kafkaClient } from '@calltally/contract';
import { createEventWriter, type EventMessage } from '@calltally/contract/producer';
import { drawPort, testKafka, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { readMessages } from '../support.ts';

const message = (key: string, bytes: number): EventMessage => ({ key, value: Buffer.alloc(bytes, key) });

test('the writer on a real Kafka', async (t) => {
  const brokers = [(await testKafka(t)).address];
  const kafka = kafkaClient({ brokers, clientId: 'writer-test' });
  const topic = uniqueName('letters');
  const admin = kafka.admin();
  await admin.connect();
  await ensureTopics(admin, { topic: uniqueName('calls'), dlqTopic: topic, partitions: 3 });
  await admin.disconnect();

  await t.test(
    'messages are where it says, in order, with the bytes and headers that were given',
    async (t) => {
      // A bound below what one call writes: the messages take turns.
      const writer = createEventWriter({ brokers, clientId: 'writer-test', topic, maxBufferedBytes: 10_000 });
      t.teardown(() => writer.close());
      await writer.connect();
      const letter = deadLetterMessage({
        key: null,
        value: Buffer.from([0xff, 0]),
        headers: { trace: ['a', Buffer.from('b')], none: null },
        rejection: { code: 'EVENT_NOT_UTF8', message: 'the value is not UTF-8' },
        topic: 'hooks',
        partition: 0,
        offset: 0,
        failedAt: 0,
      });
      const written = [
        letter,
        ...Array.from({ length: 40 }, (_, index) => message(`k${index % 4}`, index * 100)),
      ];
      const places = await Promise.all([writer.write(written.slice(0, 20)), writer.write(written.slice(20))]);
      const read = await readMessages(kafka, topic, written.length);
      let last: Record<number, bigint> = {};
      for (const [index, { partition, offset }] of places.flat().entries()) {
        const found = read.find((one) => one.partition === partition && one.offset === offset)!;
        t.same(found.value, written[index]!.value);
        t.equal(found.key && String(found.key), written[index]!.key);
        t.ok(BigInt(offset) > (last[partition] ?? -1n), 'order is kept');
        last = { ...last, [partition]: BigInt(offset) };
        if (index === 0) {
          t.match(found.headers, {
            'error-code': Buffer.from('EVENT_NOT_UTF8'),
            trace: [Buffer.from('a'), Buffer.from('b')],
          });
          t.equal(found.headers![CUT_HEADER], undefined);
        }
      }
      t.ok(
        written.every((one) => !('partition' in one)),
        'the caller’s messages are left alone',
      );
    },
  );

  await t.test('connect says why Kafka cannot be written to, each time anew', async (t) => {
    const away = { brokers: [`127.0.0.1:${await drawPort()}`], clientId: 'writer-test', topic };
    const writer = createEventWriter({ ...away, deliveryTimeoutMs: 500 });
    for (const _ of [1, 2]) {
      await t.rejects(writer.connect(), { code: /PRODUCER_(UNAVAILABLE|TIMEOUT)/, retryable: true });
    }
    await writer.close();
    await t.rejects(writer.connect(), { code: 'PRODUCER_CLOSED' });
    await t.rejects(writer.write([]), { code: 'PRODUCER_CLOSED' });
  });
});

test('bytes beyond the bound are refused, not kept', async (t) => {
  const brokers = ['127.0.0.1:9'];
  const bounds = { maxBufferedBytes: 1_000, lingerMs: 60_000, deliveryTimeoutMs: 50 };
  const writer = createEventWriter({ brokers, clientId: 'writer-test', topic: 'calls', ...bounds });
  const lingering = writer.write([message('a', 600)]);
  const refused = writer.write([message('b', 600)]);
  await t.rejects(refused, { code: 'PRODUCER_BUFFER_FULL', retryable: true, message: /1000 bytes/ });
  await Promise.all([t.rejects(lingering, { code: 'PRODUCER_TIMEOUT' }), writer.close()]);
});
