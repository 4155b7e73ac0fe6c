import {
  type CallRow,
  Calls,
  type CorrectionRow,
  Corrections,
  ErasedCalls,
  Erasures,
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

const TAKEN = 'taken';

type CollectionName = keyof Contents | 'erasures';

/** A Mongo of four collections. What is written is visible to everybody, and stays. */
export class MongoServer implements Contents {
  calls = new Map<string, CallRow>();
  corrections = new Map<string, CorrectionRow>();
  progress = new Map<string, Document>();
  erasures = new Map<string, Document>();

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
  insert(into: CollectionName, document: Document): boolean {
    const documents: Map<string, Document> = this[into];
    if (documents.has(document._id)) return false;
    documents.set(document._id, document);
    return true;
  }

  /** @returns how many documents matched, or that another document has the id of the one to be inserted */
  update(into: CollectionName, { filter, update, upsert = false }: UpdateCommand): number | typeof TAKEN {
    const documents: Map<string, Document> = this[into];
    const found = [...documents.values()].find((one) => matches(one, filter));
    if (found !== undefined) documents.set(found._id, changed(found, update));
    if (found !== undefined || !upsert) return found === undefined ? 0 : 1;
    return this.insert(into, changed({ _id: filter._id }, update)) ? 0 : TAKEN;
  }

  /** @returns how many documents there were */
  delete(from: CollectionName, filter: Document): number {
    const found = [...this[from].values()].filter((one) => matches(one, filter));
    for (const { _id } of found) this[from].delete(_id);
    return found.length;
  }

  stored(cutKey: string): number {
    return this.progress.get(cutKey)?.stored ?? -1;
  }
}

interface ModelStoreOptions {
  faulty?: ((stage: Document) => Document) | undefined;
  erases?: boolean;
}

interface UpdateCommand {
  filter: Document;
  update: { $max?: Document; $set?: Document };
  upsert?: boolean;
}

function changed(document: Document, { $max = {}, $set = {} }: UpdateCommand['update']): Document {
  const after: Document = { ...document, ...$set };
  for (const [field, value] of Object.entries($max)) {
    if (after[field] === undefined || after[field] < value) after[field] = value;
  }
  return after;
}

/**
 * The real store over simulated collections. Each command is a turn of the worker.
 * @param options.faulty changes stages of aggregations, to break a rule
 * @param options.erases whether users are erased. If not, nobody asks whether they were, which is played faster
 */
export function openModelStore(
  worker: Worker,
  server: MongoServer,
  { faulty = (stage) => stage, erases = false }: ModelStoreOptions = {},
): Store {
  // Reads of one worker come in the order in which it asks: which of two comes first makes no difference.
  const reads = {};
  const ask = <T>(text: string, effect: () => T, connection: object = {}): Promise<T> => {
    if (!worker.hasLostMongo) return worker.ask('mongo', connection, readable(text), effect);
    worker.hasLostMongo = false;
    worker.told(text, 'failed');
    return Promise.reject(timedOut());
  };
  const collectionOf = (name: CollectionName) => {
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
      async bulkWrite(writes: { updateOne?: UpdateCommand; deleteOne?: { filter: Document } }[]) {
        const reply = { matchedCount: 0, deletedCount: 0 };
        for (const { updateOne, deleteOne } of writes) {
          if (updateOne !== undefined) {
            const { _id, ...others } = updateOne.filter;
            const text = [`raise ${_id}`, updateOne.update.$max, others].map((part) => texts(part)).join(' ');
            reply.matchedCount += unlessTaken(await ask(text.trim(), () => server.update(name, updateOne)));
          }
          if (deleteOne !== undefined) {
            const { filter } = deleteOne;
            reply.deletedCount += await ask(`delete ${texts(filter)}`, () => server.delete(name, filter));
          }
        }
        return reply;
      },
      async insertOne(document: Document) {
        // By the real clock, every run would be another.
        const timeless = { ...document, at: new Date(0) };
        unlessTaken(await ask(`insert ${document._id}`, () => (server.insert(name, timeless) ? 0 : TAKEN)));
      },
      async updateOne(filter: Document, update: UpdateCommand['update'], { upsert = false } = {}) {
        const matchedCount = unlessTaken(
          await ask(`update ${texts(filter)} ${texts(update)}`, () =>
            server.update(name, { filter, update, upsert }),
          ),
        );
        return { matchedCount, upsertedCount: matchedCount === 0 && upsert ? 1 : 0 };
      },
      deleteMany: async (filter: Document) => ({
        deletedCount: await ask(`delete ${filter._id?.$in}`, () => server.delete(name, filter)),
      }),
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
  const progress = db.collection('progress') as unknown as ConstructorParameters<typeof Progress>[0];
  const erased = {
    erasures: new Erasures(db.collection('erasures') as never, progress, limited),
    erasedCalls: new ErasedCalls(rows, corrections, limited),
  };
  const nobodyErased = {
    known: 0,
    has: () => false,
    refresh: async () => 0,
    async tellPartitions() {
      for (const _id of server.progress.keys()) {
        if (_id.includes(':'))
          server.update('progress', { filter: { _id }, update: { $max: { erasures: 0 } } });
      }
    },
  };
  return {
    calls: new Calls(db, limited),
    corrections: new Corrections(db, limited),
    tallies: new Tallies(rows, corrections, limited),
    ...(erases ? erased : { erasures: nobodyErased }),
    progress: new Progress(progress, limited),
    // No version before has written to this Mongo.
    upgrade: { requireDone: async () => {} } as Store['upgrade'],
  } as unknown as Store;
}

export function timedOut(): StoreError {
  return new StoreError('STORE_TIMEOUT', true, new Error('no answer in the model'));
}

function unlessTaken(matched: number | typeof TAKEN): number {
  if (matched === TAKEN) {
    const cause = Object.assign(new Error('the id is taken'), { code: DUPLICATE_KEY });
    throw new StoreError('STORE_CONFLICT', true, cause);
  }
  return matched;
}

function texts(part: unknown): string {
  if (typeof part === 'string') return part;
  return part === undefined || Object.keys(part as Document).length === 0 ? '' : JSON.stringify(part);
}

/** Ids as `u-a/c0` and `u-a/c0/1`. */
export function readable(text: string): string {
  return text.replaceAll('\u001f', '/').replaceAll('\\u001f', '/');
}
