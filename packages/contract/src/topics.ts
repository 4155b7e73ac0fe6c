import type { Admin } from 'kafkajs';

/** Names and sizes of the topics where no setting says otherwise. */
export const TOPIC_DEFAULTS = {
  topic: 'calls.completed',
  dlqTopic: 'calls.completed.dlq',
  partitions: 6,
  dlqPartitions: 1,
} as const;

const DAY_MS = 86_400_000;
/** A week of events is enough to come back from any outage and to `replay`. */
const RETENTION_MS = 7 * DAY_MS;
/** Letters wait for people, who have holidays. */
const DLQ_RETENTION_MS = 90 * DAY_MS;
const MESSAGE_MAX_BYTES = 1_048_588;
/** A letter is its event and headers, and may have arrived compressed: it must fit whatever fitted the topic. */
const DLQ_MESSAGE_MAX_BYTES = 8 * MESSAGE_MAX_BYTES;
const REPLICAS_MAX = 3;

export interface Topics {
  topic: string;
  dlqTopic: string;
  /** Partitions of `topic` if it has to be created; default 6. */
  partitions?: number;
}

/**
 * Creates those of the two topics that are missing and never alters one that exists: sizes of a
 * running system are its operators' business. Safe to call from several processes at once.
 *
 * @returns the names of the topics that this call created
 * @throws kafkajs errors where the brokers cannot be reached or forbid it
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
  // One request a topic: kafkajs answers "somebody was faster" only where every topic of a request exists.
  for (const topic of wanted) {
    if (await admin.createTopics({ topics: [{ ...topic, replicationFactor }] })) created.push(topic.topic);
  }
  return created;
}
