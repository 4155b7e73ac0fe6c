import { kafkaClient } from '@calltally/contract';
import type { Admin, Kafka } from 'kafkajs';
import pRetry from 'p-retry';
import type { OpsSettings } from './context.ts';

export function opsKafka({ brokers, ssl, sasl }: OpsSettings['kafka']): Kafka {
  return kafkaClient({ brokers, ssl, sasl, clientId: 'calltally-ops' });
}

/** Asks the brokers on a connection that is closed afterwards. @throws errors of kafkajs */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Brokers that have just started, or that move a group, do not know its coordinator, or still load its offsets. */
const COORDINATOR_RETRY = { retries: 33, minTimeout: 300, factor: 1 };

/** The processes that are in a consumer group now, as `<client id> <host>`. @throws errors of kafkajs */
export async function membersOf(admin: Admin, groupId: string): Promise<string[]> {
  const { groups } = await onceGroupIsServed(() => admin.describeGroups([groupId]));
  return groups[0]!.members.map(({ clientId, clientHost }) => `${clientId} ${clientHost}`);
}

/** What a group has committed of a topic, by partition. @throws errors of kafkajs */
export async function committedBy(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const [group] = await onceGroupIsServed(() => admin.fetchOffsets({ groupId, topics: [topic] }));
  const known = group?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? [];
  return new Map(known.map(({ partition, offset }) => [partition, Number(offset)]));
}

function onceGroupIsServed<T>(ask: () => Promise<T>): Promise<T> {
  return pRetry(ask, {
    ...COORDINATOR_RETRY,
    shouldRetry: ({ error }) => (error as { retriable?: boolean }).retriable === true,
  });
}
