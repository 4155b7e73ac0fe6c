import {
  deadLetterMessage,
  ensureTopics,
  kafkaClient,
  LETTER_LIMITS,
  TOPIC_DEFAULTS,
} from '@calltally/contract';
import { testKafka, uniqueName } from '@calltally/stack/testing';
import kafkajs from 'kafkajs';
import { test } from 'tap';
import { readMessages } from './support.ts';

test('topics on a real Kafka', async (t) => {
  const engine = await testKafka(t);
  const kafka = kafkaClient({ brokers: [engine.address], clientId: 'topics-test' });
  const admin = kafka.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());

  const names = () => {
    const topic = uniqueName('calls');
    return { topic, dlqTopic: `${topic}.dlq` };
  };
  const partitionsOf = async (topic: string) =>
    (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.length;
  const settingOf = async (topic: string, name: string) => {
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }];
    const described = await admin.describeConfigs({ resources, includeSynonyms: false });
    return Number(described.resources[0]!.configEntries[0]!.configValue);
  };

  await t.test('missing topics are created, once', async (t) => {
    const { topic, dlqTopic } = names();
    t.same(await ensureTopics(admin, { topic, dlqTopic }), [topic, dlqTopic]);
    t.same(await ensureTopics(admin, { topic, dlqTopic }), []);
    t.equal(await partitionsOf(topic), TOPIC_DEFAULTS.partitions);
    t.equal(await partitionsOf(dlqTopic), TOPIC_DEFAULTS.dlqPartitions);
  });

  await t.test('a broker that does not know a new topic yet is asked again', async (t) => {
    const { topic, dlqTopic } = names();
    let left = 3;
    const late: typeof admin = {
      ...admin,
      async createTopics(options) {
        const created = await admin.createTopics(options);
        if (left === 0) return created;
        left -= 1;
        throw new kafkajs.KafkaJSProtocolError(
          Object.assign(new Error('does not host'), { type: 'UNKNOWN_TOPIC_OR_PARTITION', code: 3 }),
        );
      },
    };
    t.same(await ensureTopics(late, { topic, dlqTopic }), [topic, dlqTopic]);
    t.equal(left, 0);
    t.equal(await partitionsOf(topic), TOPIC_DEFAULTS.partitions);
    const refusing = { ...admin, createTopics: () => Promise.reject(new Error('not allowed')) };
    await t.rejects(ensureTopics(refusing, names()), /not allowed/);
  });

  await t.test('several processes may create them at once', async (t) => {
    const topics = { ...names(), partitions: 2 };
    const created = await Promise.all(Array.from({ length: 4 }, () => ensureTopics(admin, topics)));
    t.same(created.flat().sort(), [topics.topic, topics.dlqTopic], 'each by exactly one of them');
    t.equal(await partitionsOf(topics.topic), 2);
  });

  await t.test('existing topics are never altered', async (t) => {
    const { topic, dlqTopic } = names();
    await admin.createTopics({
      topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'retention.ms', value: '1234567' }] }],
    });
    t.same(await ensureTopics(admin, { topic, dlqTopic, partitions: 9 }), [dlqTopic]);
    t.equal(await partitionsOf(topic), 1);
    t.equal(await settingOf(topic, 'retention.ms'), 1_234_567);
  });

  await t.test('dead letters are kept longer than events and may be larger', async (t) => {
    const { topic, dlqTopic } = names();
    await ensureTopics(admin, { topic, dlqTopic });
    for (const setting of ['max.message.bytes', 'retention.ms']) {
      t.ok((await settingOf(dlqTopic, setting)) > (await settingOf(topic, setting)), setting);
    }
  });

  await t.test(
    'the dead letter of the largest message fits the dead-letter topic, with its headers',
    async (t) => {
      const { topic, dlqTopic } = names();
      await ensureTopics(admin, { topic, dlqTopic, partitions: 1 });
      const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
      await producer.connect();
      t.teardown(() => producer.disconnect());
      const value = Buffer.alloc((await settingOf(topic, 'max.message.bytes')) - 100, 'x');
      await producer.send({ topic, messages: [{ key: 'u-1', value, headers: { trace: 'abc' } }] });
      const [message] = await readMessages(kafka, topic, 1);
      const letter = deadLetterMessage({
        ...message!,
        rejection: { code: 'EVENT_TOO_LARGE', message: 'too large' },
        topic,
        failedAt: Date.now(),
      });
      await producer.send({ topic: dlqTopic, messages: [letter] });
      const [read] = await readMessages(kafka, dlqTopic, 1);
      t.ok(read!.value?.equals(value.subarray(0, LETTER_LIMITS.valueMaxBytes)));
      t.equal(String(read!.key), 'u-1');
      t.equal(String(read!.headers?.trace), 'abc');
      t.equal(String(read!.headers?.['error-code']), 'EVENT_TOO_LARGE');
      t.equal(String(read!.headers?.['source-offset']), message!.offset);
    },
  );
});
