import { MongoClient } from 'mongodb';
import type { Bench } from '../../bench.ts';
import { kafka } from '../../engines.ts';
import type { Line, Note } from '../../results.ts';
import { type Topic, topicBytes } from '../../world/topic.ts';
import type { World } from '../../world/world.ts';

interface Counted {
  world: World;
  topic: Topic;
  /** Events on the topic. */
  sent: number;
}

export const BYTES_LINES: readonly Line[] = [
  { name: 'costs-bytes-kafka', unit: 'bytes' },
  { name: 'costs-bytes-row', unit: 'bytes' },
  { name: 'costs-bytes-index', unit: 'bytes' },
];

/** Bytes of an event on Kafka, and of its row and the row's index entries in Mongo. Once, because they hardly vary. */
export async function measureBytes(bench: Bench, note: Note, { world, topic, sent }: Counted) {
  const { dataDir } = await bench.shared(kafka);
  note('costs-bytes-kafka', { ours: topicBytes(dataDir!, topic.name) / sent });
  const client = await new MongoClient(world.mongoUri).connect();
  const { count, storageSize, totalIndexSize } = await client.db().command({ collStats: 'calls' });
  await client.close();
  note('costs-bytes-row', { ours: storageSize / count, rows: count });
  note('costs-bytes-index', { ours: totalIndexSize / count });
}
