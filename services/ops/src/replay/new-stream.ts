import type { Store } from '@calltally/store';
import type { OpsSettings } from '../context.ts';
import { CommandError } from '../failure.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { isMadeAnew, type PartitionView, viewTopic } from '../topic-view.ts';

export interface NewStream {
  topic: string;
  previous: number;
  /** As they stand in the previous stream. */
  partitions: readonly (PartitionView & { madeAnew: boolean })[];
}

/** What beginning the next stream would be about. @throws CommandError TOPIC_UNKNOWN, StoreError, errors of kafkajs */
export async function lookAtStream(kafka: OpsSettings['kafka'], store: Store): Promise<NewStream> {
  const { topic } = kafka;
  const { stream, partitions } = await withAdmin(opsKafka(kafka), (admin) => viewTopic(admin, store, topic));
  return {
    topic,
    previous: stream,
    partitions: partitions.map((view) => ({ ...view, madeAnew: isMadeAnew(view) })),
  };
}

/**
 * Begins the stream after the one that was looked at: from here on the topic's offsets are those of another life of it,
 * and are counted from its first event. Calls that are rows already stay as they are.
 *
 * @returns the stream that is current now
 * @throws CommandError STREAM_BEGUN when somebody else was faster, StoreError
 */
export async function beginStream(store: Store, { previous, partitions }: NewStream): Promise<number> {
  const current = await store.progress.beginStream(previous);
  if (current !== previous + 1) {
    throw new CommandError('STREAM_BEGUN', `stream ${current} was begun meanwhile`);
  }
  await store.progress.registerPartitions(
    current,
    partitions.map(({ partition }) => partition),
  );
  return current;
}
