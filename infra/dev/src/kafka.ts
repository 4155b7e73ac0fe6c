import {
  ensureTopics,
  type KafkaClientOptions,
  kafkaClient,
  TOPIC_DEFAULTS,
  type Topics,
} from '@calltally/contract';
import { KafkaSettings, readSettings } from '@calltally/settings';
import type { Store } from '@calltally/store';

/** How to reach Kafka, from the same variables that the services read. @throws SettingsError */
export function kafkaSettings(address: string, env: NodeJS.ProcessEnv): Omit<KafkaClientOptions, 'clientId'> {
  const { brokers, ssl, sasl } = readSettings([KafkaSettings], { ...env, KAFKA_BROKERS: address }).kafka;
  return { brokers: [...brokers], ssl, sasl };
}

/** The names of the topics, from the same variables. */
export function topicNames(env: NodeJS.ProcessEnv): Topics {
  return {
    topic: env.KAFKA_TOPIC || TOPIC_DEFAULTS.topic,
    dlqTopic: env.KAFKA_DLQ_TOPIC || TOPIC_DEFAULTS.dlqTopic,
  };
}

/** Creates the topics and indexes that are missing. Safe at every start. */
export async function prepareEngines(
  kafka: Omit<KafkaClientOptions, 'clientId'>,
  topics: Topics,
  store: Store,
): Promise<void> {
  const admin = kafkaClient({ ...kafka, clientId: 'calltally-dev' }).admin();
  try {
    await admin.connect();
    await Promise.all([ensureTopics(admin, topics), store.ensureIndexes()]);
  } finally {
    await admin.disconnect();
  }
}
