import { ensureTopics, kafkaClient } from '@calltally/contract';
import { type Test, testKafka, uniqueName } from '@calltally/stack/testing';
import { NOWHERE } from './support.ts';

/** A Kafka for commands that need no other engine. */
export async function kafkaTopics(t: Test) {
  const kafka = await testKafka(t);
  const client = kafkaClient({ brokers: kafka.address.split(','), clientId: 'ops-test' });
  const admin = client.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  return {
    client,
    environmentOf: (topic: string) => ({ ...NOWHERE, KAFKA_BROKERS: kafka.address, KAFKA_TOPIC: topic }),
    /** A topic of its own, and the environment of commands that use it. */
    async newTopic() {
      const topic = uniqueName('calls');
      await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 3 });
      return { topic, env: this.environmentOf(topic) };
    },
    /** How many messages a topic has. */
    countIn: async (topic: string) =>
      (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0),
  };
}
