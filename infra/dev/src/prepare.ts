import { ensureTopics, type KafkaClientOptions, kafkaClient, type Topics } from '@calltally/contract';
import type { Store } from '@calltally/store';

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
