import {
  type CallRow,
  Calls,
  type CorrectionRow,
  Corrections,
  Progress,
  type Store,
  StoreError,
  Tallies,
} from '@calltally/store';
import type { Db, Document } from 'mongodb';
import { aggregated, matches } from './mongo-queries.ts';
import type { Worker } from './turns.ts';

const DUPLICATE_KEY = 11000;

export interface Contents {
  calls: Map<string, CallRow>;
  corrections: Map<string, CorrectionRow>;
  progress: Map<string, Document>;
}

/** A Mongo of three collections. What is written is visible to everybody, and stays. */
export class MongoServer implements Contents {
  calls = new Map<string, CallRow>();
  corrections = new Map<string, CorrectionRow>();
  progress = new Map<string, Document>();

  /** Needs no deep copy, because documents are replaced and never changed. */
  backUp(): Contents {
    const { calls, corrections, progress } = this;
    return { calls: new Map(calls), corrections: new Map(corrections), progress: new Map(progress) };
  }

  putBack({ calls, corrections, progress }: Contents): void {
    this.calls = new Map(calls);
    this.corrections = new Map(corrections);
    this.progress = new Map(progress);
  }

  /** @returns whether the id was free */
  insert(into: keyof Contents, document: Document): boolean {
    const documents: Map<string, Document> = this[into];
    if (documents.has(document._id)) return false;
    documents.set(document._id, document);
    return true;
  }

  max(id: string, change: Document): void {
    const document = { ...(this.progress.get(id) ?? { _id: id }) };
    for (const [field, value] of Object.entries(change)) {
      if (document[field] === undefined || document[field] < value) document[field] = value;
    }
    this.progress.set(id, document);
  }

  stored(cutKey: string): number {
    return this.progress.get(cutKey)?.stored ?? -1;
  }
}

/**
 * The real store over simulated collections. Each command is a turn of the worker.
 * @param faulty changes stages of aggregations, to break a rule
 */
export function openModelStore(
  worker: Worker,
  server: MongoServer,
  faulty: (stage: Document) => Document = (stage) => stage,
): Store {
  // Reads of one worker come in the order in which it asks: which of two comes first makes no difference.
  const reads = {};
  const ask = <T>(text: string, effect: () => T, connection: object = {}): Promise<T> => {
    if (!worker.hasLostMongo) return worker.ask('mongo', connection, readable(text), effect);
    worker.hasLostMongo = false;
    worker.told(text, 'failed');
    return Promise.reject(timedOut());
  };
  const collectionOf = (name: 'calls' | 'corrections' | 'progress') => {
    const found = (filter: Document) => {
      const documents: Iterable<Document> = server[name].values();
      return [...documents].filter((one) => matches(one, filter));
    };
    const cursor = (text: string, effect: () => Document[]) => ({ toArray: () => ask(text, effect, reads) });
    return {
      collectionName: name,
      find: (filter: Document, { limit }: { limit?: number } = {}) =>
        name === 'progress'
          ? cursor('read progress', () => found(filter))
          : cursor(`find ${filter._id?.$in ?? JSON.stringify(filter)}`, () => found(filter).slice(0, limit)),
      findOne: (filter: Document) => ask(`find one of ${name}`, () => found(filter)[0] ?? null),
      countDocuments: (filter: Document) => ask(`count ${filter._id.$in}`, () => found(filter).length),
      aggregate: (given: readonly Document[]) => {
        const pipeline = given.map(faulty);
        const text = `add up ${JSON.stringify(pipeline[0]!.$match)}${pipeline.length > 2 ? ' and corrections' : ''}`;
        return cursor(text, () => aggregated({ ...server }, name, pipeline));
      },
      async bulkWrite(updates: { updateOne: { filter: { _id: string }; update: { $max: Document } } }[]) {
        for (const { updateOne } of updates) {
          const { filter, update } = updateOne;
          await ask(`raise ${filter._id} ${JSON.stringify(update.$max)}`, () =>
            server.max(filter._id, update.$max),
          );
        }
      },
    };
  };
  const db = {
    collection: collectionOf,
    async command({ insert, documents }: { insert: 'calls' | 'corrections'; documents: readonly CallRow[] }) {
      const writeErrors: Document[] = [];
      for (const [index, row] of documents.entries()) {
        const { partition, offset } = row.source;
        const inserted = await ask(`insert ${row._id} of ${partition}:${offset}`, () =>
          server.insert(insert, row),
        );
        if (!inserted) writeErrors.push({ index, code: DUPLICATE_KEY });
      }
      return { ok: 1, writeErrors };
    },
  } as unknown as Db;
  const limited: ConstructorParameters<typeof Calls>[1] = (call) =>
    call({ signal: new AbortController().signal, maxTimeMS: Infinity });
  const rows = db.collection<CallRow>('calls');
  const corrections = db.collection<CorrectionRow>('corrections');
  return {
    calls: new Calls(db, limited),
    corrections: new Corrections(db, limited),
    tallies: new Tallies(rows, corrections, limited),
    // Nobody is erased here.
    erasures: { known: 0, has: () => false, refresh: async () => 0 },
    progress: new Progress(
      db.collection('progress') as unknown as ConstructorParameters<typeof Progress>[0],
      limited,
    ),
    // No version before has written to this Mongo.
    upgrade: { requireDone: async () => {} } as Store['upgrade'],
  } as unknown as Store;
}

export function timedOut(): StoreError {
  return new StoreError('STORE_TIMEOUT', true, new Error('no answer in the model'));
}

/** Ids as `u-a/c0` and `u-a/c0/1`. */
export function readable(text: string): string {
  return text.replaceAll('\u001f', '/').replaceAll('\\u001f', '/');
}
