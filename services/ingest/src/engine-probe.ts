import { CounterSession, type CounterSessionOptions } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Kafka } from 'kafkajs';
import pTimeout from 'p-timeout';

/** What is slower may be at its limit, and another process would not be faster. */
const ANSWER_WITHIN_MS = 2_000;

interface Parts {
  kafka: Kafka;
  groupId: string;
  topic: string;
  store: Pick<Store, 'ping'>;
  counters: CounterSessionOptions;
}

/**
 * Whether a fresh process could count: the group's coordinator, the leader of each partition and every master of Redis
 * answer on new connections, and so does Mongo. Never rejects.
 */
export async function doEnginesAnswer({ store, counters, ...group }: Parts): Promise<boolean> {
  const answers = [askKafka(group), store.ping(), openRedis(counters)];
  return pTimeout(Promise.all(answers), { milliseconds: ANSWER_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}

/**
 * Not just any broker: without its coordinator, no member of the group can do anything, and a partition without its leader
 * stands still.
 */
async function askKafka({
  kafka,
  groupId,
  topic,
}: Pick<Parts, 'kafka' | 'groupId' | 'topic'>): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const [topics] = await Promise.all([admin.listTopics(), admin.describeGroups([groupId])]);
    // Brokers may create a topic that is asked for, with other settings than ours.
    if (topics.includes(topic)) await admin.fetchTopicOffsets(topic);
  } finally {
    await admin.disconnect();
  }
}

async function openRedis(counters: CounterSessionOptions): Promise<void> {
  const session = await CounterSession.open(counters);
  session.end('probed');
}
