import { ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { testKafka, testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { test } from 'tap';
import { calltally, databaseOn, NOWHERE } from '../support.ts';

test('lag tells what is committed, what there is and what is stored', async (t) => {
  const [kafka, mongo] = await Promise.all([testKafka(t), testMongo(t)]);
  const topic = uniqueName('calls');
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const env = {
    ...NOWHERE,
    KAFKA_BROKERS: kafka.address,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP_ID: topic,
    MONGODB_URI: uri,
  };
  const lag = async () => {
    const { status, out, err } = await calltally(['lag', '--json'], { env });
    t.equal(status, 0, err);
    return JSON.parse(out);
  };

  const missing = await calltally(['lag', '--json'], { env });
  t.equal(missing.status, 1);
  t.equal(JSON.parse(missing.err).error.code, 'TOPIC_UNKNOWN');

  const brokers = kafka.address.split(',');
  const admin = kafkaClient({ brokers, clientId: 'ops-test' }).admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 2 });
  t.match(await lag(), { topic, group: topic, behind: 0, seconds_behind: 0, as_of: null });

  const producer = createCallEventProducer({ brokers, topic });
  const events = Array.from({ length: 10 }, (_, n) => ({
    call_id: `c-${n}`,
    user_id: 'one-user',
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: 1,
  }));
  const [place] = await producer.sendAll(events);
  await producer.close();
  const partition = place!.partition;
  const waiting = await lag();
  t.equal(waiting.behind, 10, 'a group that never committed begins with the first event');
  t.equal(waiting.seconds_behind, null);
  t.strictSame(waiting.partitions[partition], {
    partition,
    committed: null,
    end: 10,
    behind: 10,
    stored: null,
  });

  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  await store.progress.raise(0, partition, 6);
  const asOfMs = Date.parse('2026-03-01T00:00:00Z');
  await store.progress.raiseAsOf(0, [partition], asOfMs);
  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition, offset: '7' }] });
  const half = await lag();
  t.strictSame(half.partitions[partition], { partition, committed: 7, end: 10, behind: 3, stored: 6 });
  t.match(half, { behind: 3, as_of: new Date(asOfMs).toISOString() });
  t.type(half.seconds_behind, 'number');

  const text = await calltally(['lag'], { env });
  t.equal(text.status, 0);
  t.match(text.out, new RegExp(`^ *${partition} +7 +10 +3 +6$`, 'm'));
  t.match(text.out, '3 behind');

  await admin.setOffsets({ groupId: topic, topic, partitions: [{ partition, offset: '10' }] });
  t.match(await lag(), { behind: 0, seconds_behind: 0 });
});
