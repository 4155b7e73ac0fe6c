import kafkajs, { type Admin } from 'kafkajs';

/** A topic that an erasure does not reach, and for how long it keeps what it has. */
export interface KeptTopic {
  topic: string;
  /** Days; null if it keeps everything, or the brokers do not say. */
  retention_days: number | null;
}

const DAY_MS = 86_400_000;

/** Never throws: what the brokers do not say is null. */
export async function keptTopics(admin: Admin, topics: readonly string[]): Promise<KeptTopic[]> {
  const resources = topics.map((name) => ({
    type: kafkajs.ConfigResourceTypes.TOPIC,
    name,
    configNames: ['retention.ms'],
  }));
  const described = await admin
    .describeConfigs({ resources, includeSynonyms: false })
    .catch(() => ({ resources: [] }));
  return topics.map((topic) => {
    const entries = described.resources.find(({ resourceName }) => resourceName === topic)?.configEntries;
    const ms = Number(entries?.find(({ configName }) => configName === 'retention.ms')?.configValue ?? -1);
    return { topic, retention_days: ms < 0 ? null : Math.ceil(ms / DAY_MS) };
  });
}
