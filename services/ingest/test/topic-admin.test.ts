import { ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { testKafka, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { TopicAdmin } from '../src/topic-admin.ts';

test('the offsets of some partitions, and the names of all', async (t) => {
  const name = uniqueName('calls');
  const brokers = (await testKafka(t)).address.split(',');
  const topic = new TopicAdmin(kafkaClient({ brokers, clientId: 'ingest-test' }), name, name);
  const producer = createCallEventProducer({ brokers, topic: name });
  t.teardown(() => Promise.all([topic.close(), producer.close()]));
  await topic.use((admin) => ensureTopics(admin, { topic: name, dlqTopic: `${name}.dlq`, partitions: 3 }));
  const { partition, offset } = await producer.send({
    call_id: 'c-1',
    user_id: 'u-1',
    started_at: new Date().toISOString(),
    duration_seconds: 1,
  });
  const end = Number(offset) + 1;

  const { all, watermarks } = await topic.watermarksOf([partition]);
  t.strictSame(new Set(all), new Set([0, 1, 2]));
  t.strictSame(watermarks, new Map([[partition, { earliest: 0, end }]]));
  t.strictSame(await topic.lastStable([partition]), new Map([[partition, end]]));
  t.equal((await topic.watermarks()).size, 3);

  await topic.use((admin) => admin.createPartitions({ topicPartitions: [{ topic: name, count: 4 }] }));
  const grown = await topic.watermarksOf([]);
  t.strictSame(new Set(grown.all), new Set([0, 1, 2, 3]), 'an added partition is named at once');
  t.equal(grown.watermarks.size, 0);
});
