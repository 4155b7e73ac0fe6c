import { type CallRow, Calls, Progress, type Store, StoreError, Tallies } from '@calltally/store';
import type { Collection, Db, Document } from 'mongodb';
import type { Worker } from './turns.ts';

const DUPLICATE_KEY = 11000;

export interface Contents {
  calls: Map<string, CallRow>;
  progress: Map<string, Document>;
}

/** A Mongo of two collections. What is written is visible to everybody, and stays. */
export class MongoServer implements Contents {
  calls = new Map<string, CallRow>();
  progress = new Map<string, Document>();

  /** Needs no deep copy, because documents are replaced and never changed. */
  backUp(): Contents {
    return { calls: new Map(this.calls), progress: new Map(this.progress) };
  }

  putBack({ calls, progress }: Contents): void {
    this.calls = new Map(calls);
    this.progress = new Map(progress);
  }

  /** @returns whether the id was free */
  insert(row: CallRow): boolean {
    if (this.calls.has(row._id)) return false;
    this.calls.set(row._id, row);
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

/** The real store over simulated collections. Each command is a turn of the worker. */
export function openModelStore(worker: Worker, server: MongoServer): Store {
  const ask = <T>(text: string, effect: () => T): Promise<T> => {
    if (!worker.hasLostMongo) return worker.ask('mongo', {}, text, effect);
    worker.hasLostMongo = false;
    worker.told(text, 'failed');
    return Promise.reject(timedOut());
  };
  const cursor = <T>(text: string, effect: () => T[]) => ({ toArray: () => ask(text, effect) });
  const calls = {
    collectionName: 'calls',
    find: (filter: Document, { limit }: { limit?: number } = {}) =>
      cursor(`find ${filter._id?.$in ?? JSON.stringify(filter)}`, () =>
        [...server.calls.values()].filter((row) => matches(row, filter)).slice(0, limit),
      ),
    countDocuments: (filter: Document) =>
      ask(
        `count ${filter._id.$in}`,
        () => [...server.calls.values()].filter((row) => matches(row, filter)).length,
      ),
    aggregate: ([{ $match }, { $group }]: [Document, Document]) =>
      cursor(`add up ${JSON.stringify($match)}`, () =>
        grouped(
          [...server.calls.values()].filter((row) => matches(row, $match)),
          $group,
        ),
      ),
  };
  const db = {
    collection: () => calls,
    async command({ documents }: { documents: readonly CallRow[] }) {
      const writeErrors: Document[] = [];
      for (const [index, row] of documents.entries()) {
        const { partition, offset } = row.source;
        const inserted = await ask(`insert ${row._id} of ${partition}:${offset}`, () => server.insert(row));
        if (!inserted) writeErrors.push({ index, code: DUPLICATE_KEY });
      }
      return { ok: 1, writeErrors };
    },
  };
  const progress = {
    async bulkWrite(updates: { updateOne: { filter: { _id: string }; update: { $max: Document } } }[]) {
      for (const { updateOne } of updates) {
        const { filter, update } = updateOne;
        await ask(`raise ${filter._id} ${JSON.stringify(update.$max)}`, () =>
          server.max(filter._id, update.$max),
        );
      }
    },
    find: () => cursor('read progress', () => [...server.progress.values()]),
  };
  const limited: ConstructorParameters<typeof Calls>[1] = (call) =>
    call({ signal: new AbortController().signal, maxTimeMS: Infinity });
  return {
    calls: new Calls(db as unknown as Db, limited),
    tallies: new Tallies(calls as unknown as Collection<CallRow>, limited),
    // Nobody is erased here.
    erasures: { known: 0, has: () => false, refresh: async () => 0 },
    progress: new Progress(progress as unknown as ConstructorParameters<typeof Progress>[0], limited),
  } as unknown as Store;
}

export function timedOut(): StoreError {
  return new StoreError('STORE_TIMEOUT', true, new Error('no answer in the model'));
}

/** What the store's filters use: equality, `$in`, comparisons, `$or` and `$and`. */
function matches(row: CallRow, filter: Document): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    if (path === '$or') return wanted.some((clause: Document) => matches(row, clause));
    if (path === '$and') return wanted.every((clause: Document) => matches(row, clause));
    const value = valueAt(row, path);
    if (typeof wanted !== 'object') return value === wanted;
    return Object.entries(wanted).every(([operator, bound]) => compares(value, operator, bound));
  });
}

function compares(value: unknown, operator: string, bound: unknown): boolean {
  const [a, b] = [value as number, bound as number];
  if (operator === '$in') return (bound as unknown[]).includes(value);
  if (operator === '$lte') return a <= b;
  if (operator === '$gte') return a >= b;
  if (operator === '$lt') return a < b;
  throw new Error(`this Mongo does not know ${operator}`);
}

/** `$group` by a document of paths, with `$sum` and `$max` of paths or numbers. */
function grouped(rows: readonly CallRow[], { _id, ...sums }: Document): Document[] {
  const groups = new Map<string, Document>();
  const value = (row: CallRow, of: unknown) => (typeof of === 'string' ? valueAt(row, of.slice(1)) : of);
  for (const row of rows) {
    const key = Object.fromEntries(Object.entries(_id ?? {}).map(([name, path]) => [name, value(row, path)]));
    const id = JSON.stringify(key);
    const group: Document = groups.get(id) ?? { _id: key };
    groups.set(id, group);
    for (const [name, { $sum, $max }] of Object.entries(sums as Record<string, Document>)) {
      if ($sum !== undefined) group[name] = (group[name] ?? 0) + (value(row, $sum) as number);
      else if (group[name] === undefined || group[name] < value(row, $max)!) group[name] = value(row, $max);
    }
  }
  return [...groups.values()];
}

function valueAt(row: CallRow, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], row);
}
