import type { Admin, ITopicConfig } from 'kafkajs';
import pRetry from 'p-retry';

/** Default names and sizes of the topics. */
export const TOPIC_DEFAULTS = {
  topic: 'calls.completed',
  dlqTopic: 'calls.completed.dlq',
  partitions: 6,
  dlqPartitions: 1,
} as const;

const DAY_MS = 86_400_000;
/** Enough to recover from an outage, and for `replay`. */
const RETENTION_MS = 7 * DAY_MS;
/** Dead letters wait for people, who have holidays. */
const DLQ_RETENTION_MS = 90 * DAY_MS;
const MESSAGE_MAX_BYTES = 1_048_588;
/** A dead letter must fit whatever fitted the topic: the event may have been compressed there, and headers are added. */
const DLQ_MESSAGE_MAX_BYTES = 8 * MESSAGE_MAX_BYTES;
const REPLICAS_MAX = 3;
/** Together ten seconds. */
const KNOWN_RETRIES = 50;
const KNOWN_PAUSE_MS = 200;

export interface Topics {
  topic: string;
  dlqTopic: string;
  /** Partitions of `topic` if it is created; default 6. */
  partitions?: number;
}

/**
 * Creates the topics that are missing. Never alters an existing one, whose sizes are up to its operators. Several processes
 * may call this at once.
 *
 * @returns the names of the topics that this call created
 * @throws kafkajs errors if the brokers cannot be reached or forbid it
 */
export async function ensureTopics(admin: Admin, topics: Topics): Promise<string[]> {
  const existing = new Set(await admin.listTopics());
  const wanted = [
    {
      topic: topics.topic,
      numPartitions: topics.partitions ?? TOPIC_DEFAULTS.partitions,
      configEntries: [
        { name: 'retention.ms', value: String(RETENTION_MS) },
        { name: 'max.message.bytes', value: String(MESSAGE_MAX_BYTES) },
      ],
    },
    {
      topic: topics.dlqTopic,
      numPartitions: TOPIC_DEFAULTS.dlqPartitions,
      configEntries: [
        { name: 'retention.ms', value: String(DLQ_RETENTION_MS) },
        { name: 'max.message.bytes', value: String(DLQ_MESSAGE_MAX_BYTES) },
      ],
    },
  ].filter(({ topic }) => !existing.has(topic));
  if (wanted.length === 0) return [];
  const { brokers } = await admin.describeCluster();
  const replicationFactor = Math.min(REPLICAS_MAX, brokers.length);
  const created: string[] = [];
  // One request per topic: kafkajs returns false only if all topics of a request exist already.
  for (const topic of wanted) {
    if (await createTopic(admin, { ...topic, replicationFactor })) created.push(topic.topic);
  }
  return created;
}

/** Creates a topic, and waits until the brokers know it. @returns false if it exists already */
async function createTopic(admin: Admin, topic: ITopicConfig): Promise<boolean> {
  let isOurs = false;
  await pRetry(
    async () => {
      isOurs = (await admin.createTopics({ topics: [topic] })) || isOurs;
    },
    {
      retries: KNOWN_RETRIES,
      minTimeout: KNOWN_PAUSE_MS,
      factor: 1,
      // kafkajs asks for the leaders of a topic that it has just created, and a busy broker may not know it yet.
      shouldRetry({ error }) {
        isOurs ||= (error as { type?: unknown }).type === 'UNKNOWN_TOPIC_OR_PARTITION';
        return isOurs;
      },
    },
  );
  return isOurs;
}
