import {
  ensureTopics,
  type KafkaClientOptions,
  kafkaClient,
  TOPIC_DEFAULTS,
  type Topics,
} from '@calltally/contract';
import type { Store } from '@calltally/store';

/** How to reach Kafka, from the same variables that the services read. The services report invalid values. */
export function kafkaSettings(address: string, env: NodeJS.ProcessEnv): Omit<KafkaClientOptions, 'clientId'> {
  const brokers = address.split(',').map((broker) => broker.trim());
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = env;
  const mechanism = env.KAFKA_SASL_MECHANISM?.toLowerCase() as 'plain' | undefined;
  return {
    brokers,
    ssl: env.KAFKA_SSL === 'true',
    ...(mechanism && username && password && { sasl: { mechanism, username, password } }),
  };
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
