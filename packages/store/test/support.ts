import type { Call } from '@calltally/domain';
import { type Test, testMongo, uniqueName } from '@calltally/stack/testing';
import fc from 'fast-check';
import { type Db, MongoClient } from 'mongodb';
import {
  type CallContent,
  type CallRow,
  type Cut,
  openStore,
  type Source,
  type Store,
  toRow,
} from '../src/index.ts';

export interface StoreWorld {
  store: Store;
  /** The same database through the driver alone. */
  db: Db;
  /** As MONGODB_URI, without the database. */
  address: string;
  /** Another store over the same database, like that of another process. */
  another(): Store;
}

/** A store with its indexes, in its own database. */
export async function testStore(t: Test): Promise<StoreWorld> {
  const mongo = await testMongo(t);
  const database = uniqueName('store');
  const stores: Store[] = [];
  const another = () => {
    const store = openStore({ uri: mongo.address, database, timeoutMs: 20_000, selectionTimeoutMs: 10_000 });
    stores.push(store);
    return store;
  };
  const client = new MongoClient(mongo.address);
  const db = client.db(database);
  t.teardown(async () => {
    await db.dropDatabase();
    await Promise.all([client.close(), ...stores.map((one) => one.close())]);
  });
  const store = another();
  await store.ensureIndexes();
  return { store, db, address: mongo.address, another };
}

export const NOON = Date.UTC(2026, 2, 28, 12);

/** All rows, where nothing was corrected. */
export const ALL_ROWS: Cut = { rows: undefined, corrections: undefined };

export type CompletedRow = CallRow & CallContent;

export function rowOf(call: Partial<Call> & { callId: string }, source: Partial<Source> = {}): CompletedRow {
  return toRow(
    { userId: 'u-1', startedAt: NOON, durationMs: 60_000, ...call },
    { stream: 0, partition: 0, offset: 0, ...source },
  ) as CompletedRow;
}

/** Checks a property. It fails with the smallest example, which fast-check cannot search if `t` asserts. */
export async function holds<T>(
  t: { pass(message: string): void },
  property: fc.IAsyncProperty<T>,
  numRuns: number,
) {
  await fc.assert(property, { numRuns });
  t.pass(`${numRuns} runs`);
}
