import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import { Batcher } from './batcher.ts';
import { type CallRow, ofTheirUsers } from './call-row.ts';
import { StoreError } from './errors.ts';
import { insertUnique } from './insert-unique.ts';
import type { MongoCall } from './mongo-call.ts';

/** The largest row has 5 KB: an id of 2 KiB, two of 1 KiB, two labels of 256 bytes. */
const COMMAND_ROWS_MAX = 3_000;
/** So many rows keep Mongo busy: they need not wait for others. */
const FLUSH_AT_ROWS = 200;
const READ_BACK_ATTEMPTS = 5;
const READ_BACK_PAUSE_MS = 10;

/** The row of a call that stood there before; undefined if the row was inserted just now. */
export type Standing = CallRow | undefined;

/** Inserts rows of `calls` and looks them up by id. `Tallies` has the sums. */
export class Calls {
  readonly #db: Db;
  readonly #rows: Collection<CallRow>;
  readonly #mongo: MongoCall;
  readonly #inserts = new Batcher<CallRow, Standing>((rows) => this.#insertAll(rows), {
    flushAt: FLUSH_AT_ROWS,
  });

  constructor(db: Db, mongo: MongoCall) {
    this.#db = db;
    this.#rows = db.collection<CallRow>('calls');
    this.#mongo = mongo;
  }

  /**
   * Inserts rows (majority). Of equal ids the first one is inserted. Idempotent: a repetition finds the rows that the
   * first run inserted, with the same sources.
   * @returns for each row, in the order given, the one that stood there before
   * @throws StoreError; then any part of the rows may have been inserted
   */
  insert(rows: readonly CallRow[]): Promise<Standing[]> {
    return this.#inserts.ask(rows);
  }

  /** Rows by id; unknown ids are left out. @throws StoreError */
  async find(ids: readonly string[]): Promise<Map<string, CallRow>> {
    if (ids.length === 0) return new Map();
    const these = { ...ofTheirUsers(ids), _id: { $in: [...ids] } };
    const rows = await this.#mongo(() => this.#rows.find(these).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }

  /**
   * Whether all these rows of one partition are there, each inserted by its own event. Mongo only counts: a source
   * names one event, so if as many rows match both an id and a source of these, they are these. False if an id repeats.
   * Without the users: there are many in a batch, and comparing each row with all of them takes half as long again.
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

  async #insertAll(rows: readonly CallRow[]): Promise<Standing[]> {
    const firstOf = new Map<string, CallRow>();
    for (const row of rows) if (!firstOf.has(row._id)) firstOf.set(row._id, row);
    const unique = [...firstOf.values()];
    const taken = await this.#mongo(() => insertUnique(this.#db, this.#rows, unique, COMMAND_ROWS_MAX));
    if (taken.length === 0 && unique.length === rows.length) return rows.map(() => undefined);
    const found = await this.#readBack(taken);
    return rows.map((row) => {
      const first = firstOf.get(row._id)!;
      return found.get(row._id) ?? (first === row ? undefined : first);
    });
  }

  /** Reads rows whose ids were taken. Asks again while one of them, by another writer, has no majority yet. */
  async #readBack(ids: readonly string[]): Promise<Map<string, CallRow>> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.find(ids);
      if (found.size === ids.length) return found;
      if (attempt === READ_BACK_ATTEMPTS) {
        const cause = new Error(`${ids.length - found.size} rows are still being written by another process`);
        throw new StoreError('STORE_CONFLICT', true, cause);
      }
      await sleep(READ_BACK_PAUSE_MS * attempt);
    }
  }
}
