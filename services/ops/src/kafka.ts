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

/** Brokers that have just started, or that move a group, refuse for a moment to name its coordinator. */
const COORDINATOR_RETRY = { retries: 9, minTimeout: 300, factor: 1 };

/** What a group has committed of a topic, by partition. @throws errors of kafkajs */
export async function committedBy(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  const [group] = await pRetry(() => admin.fetchOffsets({ groupId, topics: [topic] }), {
    ...COORDINATOR_RETRY,
    shouldRetry: ({ error }) => (error as { retriable?: boolean }).retriable === true,
  });
  const known = group?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? [];
  return new Map(known.map(({ partition, offset }) => [partition, Number(offset)]));
}
