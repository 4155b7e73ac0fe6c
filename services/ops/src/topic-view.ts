import type { Generations } from '@calltally/counters';
import { generationsAheadOfMongo } from '@calltally/ledger';
import { partitionId, type Store } from '@calltally/store';
import type { Admin } from 'kafkajs';
import { CommandError } from './failure.ts';

/** What is known of a partition. Offsets are those of the next event, but for `stored`, the last one. */
export interface PartitionView {
  partition: number;
  earliest: number;
  end: number;
  /** Every event through this offset is in Mongo; -1 for none. */
  stored: number;
}

export interface TopicView {
  stream: number;
  partitions: PartitionView[];
}

/** @throws CommandError TOPIC_UNKNOWN, errors of kafkajs */
export async function requireTopic(admin: Admin, topic: string): Promise<void> {
  if ((await admin.listTopics()).includes(topic)) return;
  throw new CommandError('TOPIC_UNKNOWN', `there is no topic ${topic}; set KAFKA_TOPIC, or start ingest`);
}

/**
 * All partitions of the topic in its current stream, in order.
 * @throws CommandError TOPIC_UNKNOWN, StoreError, errors of kafkajs
 */
export async function viewTopic(admin: Admin, store: Store, topic: string): Promise<TopicView> {
  await requireTopic(admin, topic);
  const { stream, stored } = await store.progress.streamAndStored();
  // Ends are read after `stored`. They only grow, so in one life of a topic nothing is stored beyond them.
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

/** Whether the topic was deleted and created again since it was stored. */
export function isRecreated({ end, stored }: PartitionView): boolean {
  return end <= stored;
}

/** @throws CommandError TOPIC_MADE_ANEW */
export function requireSameTopic(partitions: readonly PartitionView[]): void {
  const recreated = partitions.find(isRecreated);
  if (recreated === undefined) return;
  throw new CommandError(
    'TOPIC_MADE_ANEW',
    `partition ${recreated.partition} ends at ${recreated.end} and is stored through ${recreated.stored}, so the topic was recreated; replay --new-stream begins to count it`,
  );
}

/** @throws CommandError MONGO_BEHIND, StoreError */
export async function requireRows(
  store: Store,
  generations: Generations,
  { stream, partitions }: TopicView,
): Promise<void> {
  await store.upgrade.requireDone();
  if ((await generationsAheadOfMongo(store, generations, stream, partitions)).size === 0) return;
  throw new CommandError(
    'MONGO_BEHIND',
    'Mongo is back in an older state: it has less than Redis counts; start ingest, which restores from the topic what the topic still holds',
  );
}
