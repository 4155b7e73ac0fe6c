import { CounterSession, type CounterSessionOptions } from '@calltally/counters';
import type { Store } from '@calltally/store';
import type { Kafka } from 'kafkajs';
import pTimeout from 'p-timeout';

/** What is slower may be at its limit, and another process would not be faster. */
const ANSWER_WITHIN_MS = 2_000;

interface Parts {
  kafka: Kafka;
  groupId: string;
  store: Pick<Store, 'ping'>;
  counters: CounterSessionOptions;
}

/**
 * Whether a fresh process could count: Kafka and every master of Redis accept new connections, the group's coordinator
 * answers, and so does Mongo. Never rejects.
 */
export async function doEnginesAnswer({ kafka, groupId, store, counters }: Parts): Promise<boolean> {
  const answers = [askCoordinator(kafka, groupId), store.ping(), openRedis(counters)];
  return pTimeout(Promise.all(answers), { milliseconds: ANSWER_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}

/** Not just any broker: without its coordinator, no member of the group can do anything. */
async function askCoordinator(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.describeGroups([groupId]);
  } finally {
    await admin.disconnect();
  }
}

async function openRedis(counters: CounterSessionOptions): Promise<void> {
  const session = await CounterSession.open(counters);
  session.end('probed');
}
