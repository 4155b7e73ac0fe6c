import { type CallEvent, decodeCallEvent } from '@calltally/contract';
import type { Range } from '@calltally/domain';
import { openStore, toRow } from '@calltally/store';
import { MongoClient } from 'mongodb';
import { inParallel } from '../in-parallel.ts';
import type { Topic } from '../world/topic.ts';
import type { World } from '../world/world.ts';

/** A user's calls of a range, summed from rows by Mongo, using only the driver. */
export async function aggregate({ rows }: World, userId: string, { from, until }: Range) {
  const beganMs = performance.now();
  const [sums] = await rows
    .aggregate([
      { $match: { user_id: userId, started_at: { $gte: new Date(from), $lt: new Date(until) } } },
      { $group: { _id: null, calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } } },
    ])
    .toArray();
  return { tookMs: performance.now() - beganMs, calls: Number(sums?.calls) };
}

/** Rows per batch, and batches at a time. Larger batches, such as those of ingest, are not faster. */
const BATCH = { size: 2_000, atOnce: 4 };

/**
 * Milliseconds in which the driver inserts the rows of events, with the same indexes and majority, and nothing else.
 */
export async function insertOnly(uri: string, events: readonly CallEvent[]): Promise<number> {
  const store = openStore({ uri, timeoutMs: 60_000, selectionTimeoutMs: 10_000 });
  await store.ensureIndexes();
  await store.close();
  const rows = events.map((event, offset) => {
    const { call } = decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now());
    return toRow(call!, { stream: 0, partition: offset % 6, offset });
  });
  const client = await new MongoClient(uri, { writeConcern: { w: 'majority' } }).connect();
  const calls = client.db().collection<(typeof rows)[number]>('calls');
  const beganMs = performance.now();
  await inParallel(rows, BATCH, (piece) => calls.insertMany(piece, { ordered: false }));
  const tookMs = performance.now() - beganMs;
  await client.close();
  return tookMs;
}

/** Milliseconds in which a kafkajs consumer only parses a topic, from its first message to its last. */
export async function parseOnly(topic: Topic, events: number): Promise<number> {
  const consumer = topic.client.consumer({ groupId: `${topic.name}-parse`, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic: topic.name, fromBeginning: true });
  let parsed = 0;
  let beganMs = 0;
  const done = new Promise<number>((resolve) => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        beganMs ||= performance.now();
        for (const { value } of batch.messages) if (decodeCallEvent(value, Date.now()).call) parsed++;
        if (parsed >= events) resolve(performance.now());
      },
    });
  });
  const endedMs = await done;
  await consumer.disconnect();
  return endedMs - beganMs;
}
