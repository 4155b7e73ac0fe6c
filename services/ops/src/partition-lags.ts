import { kafkaClient } from '@calltally/contract';
import { cutKey, type Store } from '@calltally/store';
import type { OpsSettings } from './context.ts';
import { CommandError } from './failure.ts';

/** Where one partition stands. Offsets are those of the next event, but for `stored`, the last one. */
export interface PartitionLag {
  partition: number;
  /** Null where the group has not committed yet: it begins with the first event there is. */
  committed: number | null;
  end: number;
  /** Events between the two. */
  behind: number;
  /** All events through this offset are in Mongo; null before the first. */
  stored: number | null;
}

export interface Lag {
  topic: string;
  group: string;
  /** Events that are not committed, of all partitions. */
  behind: number;
  /** 0 when nothing is behind, else the age of `as_of`; null where no ingest has said so yet. */
  seconds_behind: number | null;
  /** Everything that producers had been told is safe by then is in Mongo. */
  as_of: string | null;
  partitions: PartitionLag[];
}

/** @throws CommandError TOPIC_UNKNOWN, StoreError, errors of kafkajs */
export async function readLag(kafka: OpsSettings['kafka'], store: Store): Promise<Lag> {
  const { topic, groupId } = kafka;
  const { brokers, ssl, sasl } = kafka;
  const admin = kafkaClient({ brokers, ssl, sasl, clientId: 'calltally-ops' }).admin();
  try {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) {
      throw new CommandError('TOPIC_UNKNOWN', `there is no topic ${topic}; set KAFKA_TOPIC, or start ingest`);
    }
    const [group] = await admin.fetchOffsets({ groupId, topics: [topic] });
    // After the committed offsets, so that no partition seems to be ahead of its end.
    const ends = await admin.fetchTopicOffsets(topic);
    const [stored, stream, asOfMs] = await Promise.all([
      store.progress.stored(),
      store.progress.currentStream(),
      store.progress.asOf(),
    ]);
    const committed = new Map(
      group?.partitions.map(({ partition, offset }) => [partition, Number(offset)] as const),
    );
    const partitions = ends
      .map(({ partition, low, high }): PartitionLag => {
        const offset = committed.get(partition) ?? -1;
        const begin = Math.max(offset, Number(low));
        return {
          partition,
          committed: offset < 0 ? null : offset,
          end: Number(high),
          behind: Math.max(0, Number(high) - begin),
          stored: stored.get(cutKey(stream, partition)) ?? null,
        };
      })
      .sort((a, b) => a.partition - b.partition);
    const behind = partitions.reduce((sum, partition) => sum + partition.behind, 0);
    return {
      topic,
      group: groupId,
      behind,
      seconds_behind: secondsBehind(behind, asOfMs),
      as_of: asOfMs === undefined ? null : new Date(asOfMs).toISOString(),
      partitions,
    };
  } finally {
    await admin.disconnect();
  }
}

function secondsBehind(behind: number, asOfMs: number | undefined): number | null {
  if (behind === 0) return 0;
  return asOfMs === undefined ? null : Math.max(0, Math.round(Date.now() - asOfMs) / 1000);
}
