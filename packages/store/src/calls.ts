import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { DUPLICATE_KEY, StoreError } from './errors.ts';
import { retryOnConflict } from './retry-on-conflict.ts';
import { type CallRow, type Source, sameContent, sameSource } from './rows.ts';
import { TickBatcher } from './tick-batcher.ts';
import type { WithTimeout } from './with-timeout.ts';

/**
 * What became of an event's row.
 * - `inserted`: new; the event is canonical.
 * - `redelivered`: this very event brought the row before; canonical.
 * - `duplicate`: another event brought the same call before, saying the same.
 * - `changed`: another event brought it before, saying something else; the first one stands.
 * - `foreign`: the call belongs to another user; the event must be rejected.
 */
export type InsertOutcome = 'inserted' | 'redelivered' | 'duplicate' | 'changed' | 'foreign';

export function isCanonical(outcome: InsertOutcome): boolean {
  return outcome === 'inserted' || outcome === 'redelivered';
}

/** A command takes 16 MiB, and the largest row is of 3.8 KB: three ids of 1 KiB, two labels of 256 bytes. */
const ROWS_A_COMMAND = 4_000;
/** So many rows keep Mongo busy for themselves, and are not to wait until others are made. */
const ENOUGH_ROWS = 200;
const READ_BACK_ATTEMPTS = 5;
const READ_BACK_PAUSE_MS = 10;

export class Calls {
  readonly #db: Db;
  readonly #rows: Collection<CallRow>;
  readonly #withTimeout: WithTimeout;
  readonly #inserts = new TickBatcher<CallRow, InsertOutcome>((rows) => this.#insertAll(rows), ENOUGH_ROWS);

  constructor(db: Db, withTimeout: WithTimeout) {
    this.#db = db;
    this.#rows = db.collection<CallRow>('calls');
    this.#withTimeout = withTimeout;
  }

  /**
   * Inserts rows (majority) and says for each, in the order given, what became of it. May be repeated at will: a
   * repetition answers `redelivered` where the first run answered `inserted`.
   * @throws StoreError; then any part of the rows may have been inserted.
   */
  insert(rows: readonly CallRow[]): Promise<InsertOutcome[]> {
    return this.#inserts.ask(rows);
  }

  async #insertAll(rows: readonly CallRow[]): Promise<InsertOutcome[]> {
    const firstOf = new Map<string, CallRow>();
    for (const row of rows) if (!firstOf.has(row._id)) firstOf.set(row._id, row);
    // Sorted, so that concurrent batches take their locks in one order and never deadlock.
    const unique = [...firstOf.values()].sort((a, b) => (a._id < b._id ? -1 : 1));
    const taken = await retryOnConflict(() => this.#withTimeout(() => this.#insertUnique(unique)));
    if (taken.length === 0 && unique.length === rows.length) return rows.map(() => 'inserted');
    const found = await this.#readBack(taken);
    return rows.map((row) => {
      const existing = found.get(row._id);
      if (existing === undefined && firstOf.get(row._id) === row) return 'inserted';
      return outcomeAgainst(existing ?? firstOf.get(row._id)!, row);
    });
  }

  /**
   * The same outcomes as `insert`, for rows that are probably there already: they are looked up, which costs less than
   * to be refused, and only those that are missing are inserted.
   * @throws StoreError; then any part of the rows may have been inserted.
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
   * Whether each of some rows, all of one partition, is there as its own event brought it. Mongo counts them and sends
   * none: an event's place names one event, so as many rows as ids that name places among these events are these rows.
   * Says no where an id comes twice.
   * @throws StoreError
   */
  async allPresent(rows: readonly CallRow[]): Promise<boolean> {
    if (rows.length === 0) return true;
    const ids = new Set(rows.map(({ _id }) => _id));
    if (ids.size < rows.length) return false;
    const { stream, partition, offset } = rows[0]!.source;
    const held = {
      _id: { $in: [...ids] },
      'source.stream': stream,
      'source.partition': partition,
      'source.offset': { $gte: offset, $lte: rows.at(-1)!.source.offset },
    };
    return (await this.#withTimeout(() => this.#rows.countDocuments(held))) === rows.length;
  }

  /** Whose the calls of these ids are; ids of no call are left out. @throws StoreError */
  async ownersOf(callIds: readonly string[]): Promise<Map<string, string>> {
    if (callIds.length === 0) return new Map();
    const rows = await this.#withTimeout(() =>
      this.#rows.find({ _id: { $in: [...callIds] } }, { projection: { user_id: 1 } }).toArray(),
    );
    return new Map(rows.map((row) => [row._id, row.user_id]));
  }

  /** Which events brought the calls of these ids; ids of no call are left out. @throws StoreError */
  async sourcesOf(callIds: readonly string[]): Promise<Map<string, Source>> {
    const rows = await this.#withTimeout(() =>
      this.#rows.find({ _id: { $in: [...callIds] } }, { projection: { source: 1 } }).toArray(),
    );
    return new Map(rows.map((row) => [row._id, row.source]));
  }

  /** Inserts rows of distinct ids; returns the ids that were taken already. */
  async #insertUnique(rows: CallRow[]): Promise<string[]> {
    const taken: string[] = [];
    for (let at = 0; at < rows.length; at += ROWS_A_COMMAND) {
      const some = rows.slice(at, at + ROWS_A_COMMAND);
      for (const index of await this.#insertCommand(some)) taken.push(some[index]!._id);
    }
    return taken;
  }

  /**
   * The command itself: for `insertMany` the driver keeps books on each row, which costs as much as writing it. The
   * driver does not repeat a command either; our callers do.
   * @returns the places of rows whose ids were taken
   */
  async #insertCommand(documents: CallRow[]): Promise<number[]> {
    const reply = await this.#db.command(
      { insert: this.#rows.collectionName, documents, ordered: false, writeConcern: { w: 'majority' } },
      { ignoreUndefined: true },
    );
    const errors: Document[] = reply.writeErrors ?? [];
    // A write concern that was not met makes every row of the batch unsure; so does any other error.
    const other = errors.find(({ code }) => code !== DUPLICATE_KEY) ?? reply.writeConcernError;
    if (other !== undefined) throw new MongoServerError({ ...other, message: other.errmsg });
    return errors.map(({ index }) => index);
  }

  /** A row whose id is taken may not be majority-committed yet (another writer is at it): then it is asked for again. */
  async #readBack(ids: string[]): Promise<Map<string, CallRow>> {
    const found = new Map<string, CallRow>();
    let missing = ids;
    for (let attempt = 1; missing.length > 0; attempt++) {
      for (const [id, row] of await this.#find(missing)) found.set(id, row);
      missing = missing.filter((id) => !found.has(id));
      if (missing.length > 0 && attempt === READ_BACK_ATTEMPTS) {
        throw new StoreError(
          'STORE_CONFLICT',
          true,
          new Error(`${missing.length} rows are being written by another`),
        );
      }
      if (missing.length > 0) await sleep(READ_BACK_PAUSE_MS * attempt);
    }
    return found;
  }

  async #find(ids: string[]): Promise<Map<string, CallRow>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#withTimeout(() => this.#rows.find({ _id: { $in: ids } }).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }
}

function outcomeAgainst(existing: CallRow, row: CallRow): InsertOutcome {
  if (sameSource(existing.source, row.source)) return 'redelivered';
  if (existing.user_id !== row.user_id) return 'foreign';
  return sameContent(existing, row) ? 'duplicate' : 'changed';
}
