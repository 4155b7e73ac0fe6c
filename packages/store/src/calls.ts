import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { Batcher } from './batcher.ts';
import { type CallRow, type Source, sameContent, sameSource } from './call-row.ts';
import { DUPLICATE_KEY, StoreError } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/**
 * What became of an event's row.
 * - `inserted`: new; the event is canonical.
 * - `redelivered`: this very event had inserted the row; canonical.
 * - `duplicate`: another event had inserted the same call, saying the same.
 * - `changed`: another event had inserted it, saying something else; the first one stands.
 * - `foreign`: the call belongs to another user; the event must be rejected.
 */
export type InsertOutcome = 'inserted' | 'redelivered' | 'duplicate' | 'changed' | 'foreign';

export function isCanonical(outcome: InsertOutcome): boolean {
  return outcome === 'inserted' || outcome === 'redelivered';
}

/** A command takes 16 MiB, and the largest row 3.8 KB: three ids of 1 KiB, two labels of 256 bytes. */
const COMMAND_ROWS_MAX = 4_000;
/** So many rows keep Mongo busy: they need not wait for others. */
const FLUSH_AT_ROWS = 200;
const READ_BACK_ATTEMPTS = 5;
const READ_BACK_PAUSE_MS = 10;

/** Inserts rows of `calls` and looks them up by call id. `Tallies` has the sums. */
export class Calls {
  readonly #db: Db;
  readonly #rows: Collection<CallRow>;
  readonly #mongo: MongoCall;
  readonly #inserts = new Batcher<CallRow, InsertOutcome>((rows) => this.#insertAll(rows), {
    flushAt: FLUSH_AT_ROWS,
  });

  constructor(db: Db, mongo: MongoCall) {
    this.#db = db;
    this.#rows = db.collection<CallRow>('calls');
    this.#mongo = mongo;
  }

  /**
   * Inserts rows (majority). Idempotent: a repetition answers `redelivered` where the first run answered `inserted`.
   * @returns what became of each row, in the order given
   * @throws StoreError; then any part of the rows may have been inserted
   */
  insert(rows: readonly CallRow[]): Promise<InsertOutcome[]> {
    return this.#inserts.ask(rows);
  }

  /**
   * As `insert`, for rows that are probably there: looking them up costs less than a refused insert.
   * @throws StoreError; then any part of the rows may have been inserted
   */
  async insertMissing(rows: readonly CallRow[]): Promise<InsertOutcome[]> {
    const found = await this.#find([...new Set(rows.map(({ _id }) => _id))]);
    const inserted = (await this.insert(rows.filter(({ _id }) => !found.has(_id)))).values();
    return rows.map((row) => {
      const existing = found.get(row._id);
      return existing === undefined ? inserted.next().value! : outcomeAgainst(existing, row);
    });
  }

  /**
   * Whether all these rows of one partition are there, each inserted by its own event. Mongo only counts: a source
   * names one event, so if as many rows match both an id and a source of these, they are these. False if an id repeats.
   * @throws StoreError
   */
  async allPresent(rows: readonly CallRow[]): Promise<boolean> {
    if (rows.length === 0) return true;
    const ids = new Set(rows.map(({ _id }) => _id));
    if (ids.size < rows.length) return false;
    const { stream, partition, offset } = rows[0]!.source;
    const these = {
      _id: { $in: [...ids] },
      'source.stream': stream,
      'source.partition': partition,
      'source.offset': { $gte: offset, $lte: rows.at(-1)!.source.offset },
    };
    return (await this.#mongo(() => this.#rows.countDocuments(these))) === rows.length;
  }

  /** The users of calls, by call id; unknown ids are left out. @throws StoreError */
  ownersOf(callIds: readonly string[]): Promise<Map<string, string>> {
    return this.#fieldOf('user_id', callIds);
  }

  /** The canonical events of calls, by call id; unknown ids are left out. @throws StoreError */
  sourcesOf(callIds: readonly string[]): Promise<Map<string, Source>> {
    return this.#fieldOf('source', callIds);
  }

  async #insertAll(rows: readonly CallRow[]): Promise<InsertOutcome[]> {
    const firstOf = new Map<string, CallRow>();
    for (const row of rows) if (!firstOf.has(row._id)) firstOf.set(row._id, row);
    // Sorted, so that concurrent batches take their locks in one order and never deadlock.
    const unique = [...firstOf.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
    const taken = await this.#mongo(() => this.#insertUnique(unique));
    if (taken.length === 0 && unique.length === rows.length) return rows.map(() => 'inserted');
    const found = await this.#readBack(taken);
    return rows.map((row) => {
      const existing = found.get(row._id);
      if (existing === undefined && firstOf.get(row._id) === row) return 'inserted';
      return outcomeAgainst(existing ?? firstOf.get(row._id)!, row);
    });
  }

  /**
   * Inserts rows of distinct ids. By the command itself: `insertMany` of the driver does as much work for each row as
   * writing it takes. The driver does not repeat commands either; our callers do.
   * @returns the ids that were taken
   */
  async #insertUnique(rows: readonly CallRow[]): Promise<string[]> {
    const taken: string[] = [];
    for (let at = 0; at < rows.length; at += COMMAND_ROWS_MAX) {
      const documents = rows.slice(at, at + COMMAND_ROWS_MAX);
      const reply = await this.#db.command(
        { insert: this.#rows.collectionName, documents, ordered: false, writeConcern: { w: 'majority' } },
        { ignoreUndefined: true },
      );
      const errors: Document[] = reply.writeErrors ?? [];
      // An unmet write concern makes every row of the command uncertain; so does any other error.
      const other = errors.find(({ code }) => code !== DUPLICATE_KEY) ?? reply.writeConcernError;
      if (other !== undefined) throw new MongoServerError({ ...other, message: other.errmsg });
      for (const { index } of errors) taken.push(documents[index]!._id);
    }
    return taken;
  }

  /** Reads rows whose ids were taken. Asks again while one of them, by another writer, has no majority yet. */
  async #readBack(ids: readonly string[]): Promise<Map<string, CallRow>> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#find(ids);
      if (found.size === ids.length) return found;
      if (attempt === READ_BACK_ATTEMPTS) {
        const cause = new Error(`${ids.length - found.size} rows are still being written by another process`);
        throw new StoreError('STORE_CONFLICT', true, cause);
      }
      await sleep(READ_BACK_PAUSE_MS * attempt);
    }
  }

  async #find(ids: readonly string[]): Promise<Map<string, CallRow>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#mongo(() => this.#rows.find({ _id: { $in: [...ids] } }).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }

  async #fieldOf<F extends 'user_id' | 'source'>(
    field: F,
    ids: readonly string[],
  ): Promise<Map<string, CallRow[F]>> {
    if (ids.length === 0) return new Map();
    const options = { projection: { [field]: 1 } };
    const rows = await this.#mongo(() => this.#rows.find({ _id: { $in: [...ids] } }, options).toArray());
    return new Map(rows.map((row) => [row._id, row[field]]));
  }
}

function outcomeAgainst(existing: CallRow, row: CallRow): InsertOutcome {
  if (sameSource(existing.source, row.source)) return 'redelivered';
  if (existing.user_id !== row.user_id) return 'foreign';
  return sameContent(existing, row) ? 'duplicate' : 'changed';
}
