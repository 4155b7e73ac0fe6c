import { type CallEvent, decodeCallEvent } from '@calltally/contract';
import { openStore, toRow } from '@calltally/store';
import { MongoClient } from 'mongodb';
import { inParallel } from '../in-parallel.ts';

/** So many rows a batch, so many batches at a time; larger ones, as ingest writes them, are no faster. */
const BATCH = { size: 2_000, atOnce: 4 };

/** Milliseconds in which the driver inserts the rows of events, with the same indexes and majority, and nothing else. */
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
