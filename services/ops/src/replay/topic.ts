import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaClient } from '@calltally/contract';
import type { Generations } from '@calltally/counters';
import { generationsAheadOfMongo } from '@calltally/ledger';
import { partitionId, type Store } from '@calltally/store';
import type { Admin, Kafka } from 'kafkajs';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import type { PartitionView } from './plan.ts';

export function opsKafka({ brokers, ssl, sasl }: OpsSettings['kafka']): Kafka {
  return kafkaClient({ brokers, ssl, sasl, clientId: 'calltally-ops' });
}

/** Asks the brokers on a connection that is closed behind it. @throws errors of kafkajs */
export async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Brokers that were just started, or that move a group, say for a moment that another one knows it. */
const ATTEMPTS = 10;
const PAUSE_MS = 300;

/** What a group has committed of a topic, by partition. @throws errors of kafkajs */
export async function committedBy(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<Map<number, number>> {
  for (let attempt = 1; ; attempt++) {
    try {
      const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const known = group?.partitions.filter(({ offset }) => Number(offset) >= 0) ?? [];
      return new Map(known.map(({ partition, offset }) => [partition, Number(offset)]));
    } catch (thrown) {
      if (!(thrown as { retriable?: boolean }).retriable || attempt === ATTEMPTS) throw thrown;
    }
    await sleep(PAUSE_MS);
  }
}

/** @throws CommandError TOPIC_UNKNOWN, errors of kafkajs */
export async function requireTopic(admin: Admin, topic: string): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  throw new CommandError('TOPIC_UNKNOWN', `there is no topic ${topic}; set KAFKA_TOPIC, or start ingest`);
}

export interface TopicView {
  stream: number;
  partitions: PartitionView[];
}

/**
 * Every partition of the topic in its stream, in order.
 * @throws CommandError TOPIC_UNKNOWN, StoreError, errors of kafkajs
 */
export async function viewTopic(admin: Admin, store: Store, topic: string): Promise<TopicView> {
  await requireTopic(admin, topic);
  const { stream, stored } = await store.progress.streamAndStored();
  // After `stored`, since the end only grows: nothing is stored beyond it in one life of a topic.
  const offsets = await admin.fetchTopicOffsets(topic);
  const partitions = offsets
    .map(({ partition, low, high }) => ({
      partition,
      earliest: Number(low),
      end: Number(high),
      stored: stored.get(partitionId(stream, partition)) ?? -1,
    }))
    .sort((a, b) => a.partition - b.partition);
  return { stream, partitions };
}

/** Whether the topic was deleted and made anew since it was stored. */
export function isMadeAnew({ end, stored }: PartitionView): boolean {
  return end <= stored;
}

/** @throws CommandError TOPIC_MADE_ANEW */
export function requireSameTopic(partitions: readonly PartitionView[]): void {
  const anew = partitions.find(isMadeAnew);
  if (anew === undefined) return;
  throw new CommandError(
    'TOPIC_MADE_ANEW',
    `partition ${anew.partition} ends at ${anew.end} and is stored through ${anew.stored}, so the topic was made anew; replay --new-stream begins to count it`,
  );
}

/** @throws CommandError MONGO_BEHIND, StoreError */
export async function requireRows(
  store: Store,
  generations: Generations,
  { stream, partitions }: TopicView,
): Promise<void> {
  if ((await generationsAheadOfMongo(store, generations, stream, partitions)).size === 0) return;
  throw new CommandError(
    'MONGO_BEHIND',
    'Mongo has less than Redis counts, so it is back in an older state; start ingest, which brings back by itself what the topic holds',
  );
}
