import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { decodeCallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { obtainKcat, testKafka, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { readMessages } from './support.ts';

const docs = await readFile(new URL('../../../docs/events.md', import.meta.url), 'utf8');

test('the documented kcat command writes a call, to the partition that our producer chooses', async (t) => {
  const engine = await testKafka(t);
  const brokers = [engine.address];
  const kafka = kafkaClient({ brokers, clientId: 'foreign-clients-test' });
  const admin = kafka.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  const topic = uniqueName('calls');
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 12 });

  const documented = /```sh\n(echo .*?)```/s.exec(docs)![1]!;
  const command = documented
    .replace('kcat', await obtainKcat())
    .replace('127.0.0.1:9092', engine.address)
    .replace('calls.completed', topic);
  await promisify(execFile)('sh', ['-ec', command]);
  const [message] = await readMessages(kafka, topic, 1);
  t.equal(String(message!.key), 'u-42');
  t.match(decodeCallEvent(message!.value, Date.now()).call, {
    callId: 'c-1',
    userId: 'u-42',
    durationMs: 84_250,
  });

  const producer = createCallEventProducer({ brokers, topic });
  t.teardown(() => producer.close());
  const place = await producer.send(JSON.parse(String(message!.value)));
  t.same(place, { partition: message!.partition, offset: '1' });
});
