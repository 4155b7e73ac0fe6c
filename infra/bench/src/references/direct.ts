import { type CallEvent, decodeCallEvent } from '@calltally/contract';
import type { Range } from '@calltally/domain';
import { openStore, toRow } from '@calltally/store';
import { MongoClient } from 'mongodb';
import { type Spent, stopwatch } from '../cpu-time.ts';
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
 * What it takes the driver to insert the rows of events, with the same indexes and majority, and nothing else.
 */
export async function insertOnly(uri: string, events: readonly CallEvent[]): Promise<Spent> {
  const store = openStore({ uri, timeoutMs: 60_000, selectionTimeoutMs: 10_000 });
  await store.ensureIndexes();
  await store.close();
  const rows = events.map((event, offset) => {
    const { call } = decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now());
    return toRow(call!, { stream: 0, partition: offset % 6, offset });
  });
  const client = await new MongoClient(uri, { writeConcern: { w: 'majority' } }).connect();
  const calls = client.db().collection<(typeof rows)[number]>('calls');
  const spent = stopwatch();
  await inParallel(rows, BATCH, (piece) => calls.insertMany(piece, { ordered: false }));
  const all = spent();
  await client.close();
  return all;
}

/** What it takes a kafkajs consumer that only parses a topic, from its first message to its last. */
export async function parseOnly(topic: Topic, events: number): Promise<Spent> {
  const consumer = topic.client.consumer({ groupId: `${topic.name}-parse`, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic: topic.name, fromBeginning: true });
  let parsed = 0;
  let spent: (() => Spent) | undefined;
  const done = new Promise<Spent>((resolve) => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        spent ??= stopwatch();
        for (const { value } of batch.messages) if (decodeCallEvent(value, Date.now()).call) parsed++;
        if (parsed >= events) resolve(spent());
      },
    });
  });
  const all = await done;
  await consumer.disconnect();
  return all;
}
