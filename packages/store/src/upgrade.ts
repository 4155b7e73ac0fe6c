import type { Collection, Db, Document, Filter } from 'mongodb';
import { type CallRow, rowId } from './call-row.ts';
import { StoreError } from './errors.ts';
import { indexRows, keepOutVersionBefore } from './indexes.ts';
import { insertUnique } from './insert-unique.ts';
import type { MongoCall } from './mongo-call.ts';
import { type OffsetVector, type Progress, upTo } from './progress.ts';

/** How far the copy has come: a document beside those of `Progress`. */
interface UpgradeRow {
  _id: 'upgrade';
  /** `stored` when the copy began, by partition id. */
  stored_before: Record<string, number>;
  /** All rows through this id of the version before are copied; absent at first. */
  through?: string;
  /** How many they are. */
  rows: number;
}

const ID = 'upgrade';
const COPY = 'calls_upgraded';
/** Of the largest rows, so many fit into one reply and into one command, which take 16 MiB. */
const PAGE_ROWS = 3_000;
/** Rows that are looked at to find out of which version they are. */
const LOOKED_AT = 20;

/**
 * Turns rows of the version before, whose ids were those of the calls alone, into those of `rowId`. Rows of both kinds
 * never stand side by side: they are copied into another collection, which then takes the place of `calls`. Until then
 * `calls` is read as ever, and ingest of the version before may go on with it for most of the time.
 *
 * A kill at any point does no harm: begin again, and each step finds what was done.
 *
 *   1. `copy`        – notes `stored`, then copies all rows in order of their ids
 *   2. `keepOut`     – ingest of the version before can no longer start; the caller waits until none counts
 *   3. `copyRest`    – copies rows whose source lies beyond the `stored` that was noted
 *   4. `exchange`    – in one step, which readers see as a whole
 */
export class Upgrade {
  readonly #db: Db;
  readonly #rows: Collection<CallRow>;
  readonly #copy: Collection<CallRow>;
  readonly #state: Collection<UpgradeRow>;
  readonly #progress: Progress;
  readonly #mongo: MongoCall;

  constructor(db: Db, progress: Progress, mongo: MongoCall) {
    this.#db = db;
    this.#rows = db.collection<CallRow>('calls');
    this.#copy = db.collection<CallRow>(COPY);
    this.#state = db.collection<UpgradeRow>('progress');
    this.#progress = progress;
    this.#mongo = mongo;
  }

  /** Whether the rows are those of the version before. Looks at some of them. @throws StoreError */
  async isNeeded(): Promise<boolean> {
    const options = { projection: { user_id: 1 }, limit: LOOKED_AT };
    const some = await this.#mongo((limits) => this.#rows.find({}, { ...options, ...limits }).toArray());
    return some.some(({ _id, user_id }) => !_id.startsWith(rowId({ userId: user_id, callId: '' })));
  }

  /** @throws StoreError STORE_ROWS_OUTDATED if the rows are those of the version before */
  async requireDone(): Promise<void> {
    if (!(await this.isNeeded())) return;
    throw new StoreError('STORE_ROWS_OUTDATED', false, new Error('they are named by their call ids alone'));
  }

  /**
   * Copies all rows, from where an earlier run stopped. May be left at any time.
   * @returns how many rows were copied so far: at first those of earlier runs
   * @throws StoreError
   */
  async *copy(): AsyncGenerator<number> {
    let { through, rows } = (await this.#unfinished()) ?? (await this.#begin());
    yield rows;
    for await (const page of this.#pages({}, through)) {
      await this.#insert(page);
      through = page.at(-1)!._id;
      rows += page.length;
      const state = { through, rows };
      await this.#mongo(() => this.#state.updateOne({ _id: ID }, { $set: state }));
      yield rows;
    }
    await this.#mongo(() => indexRows(this.#copy));
  }

  /** Keeps ingest of the version before from starting. What runs goes on. @throws StoreError */
  async keepOut(): Promise<void> {
    await this.#mongo(() => keepOutVersionBefore(this.#db));
  }

  /**
   * Copies what came since the copy began. One scan of all rows, while nothing counts.
   * @returns `stored`, for `exchange`
   * @throws StoreError
   */
  async copyRest(): Promise<OffsetVector> {
    const stored = await this.#progress.storedThrough();
    const state = (await this.#unfinished())!;
    const before = upTo(new Map(Object.entries(state.stored_before)));
    for await (const page of this.#pages(before.length === 0 ? {} : { $nor: before }))
      await this.#insert(page);
    return stored;
  }

  /**
   * Puts the copy in the place of `calls`.
   * @param stored from `copyRest`
   * @returns `counting` if something was counted since then: begin again with step 3; `different` if as many rows as there
   *   are were not copied, since some were added or deleted otherwise than by ingest: begin again with step 1
   * @throws StoreError
   */
  async exchange(stored: OffsetVector): Promise<'exchanged' | 'counting' | 'different'> {
    const [rows, copied] = await Promise.all(
      [this.#rows, this.#copy].map((one) => this.#mongo((limits) => one.countDocuments({}, limits))),
    );
    if (!isSame(stored, await this.#progress.storedThrough())) return 'counting';
    if (rows !== copied) {
      await this.forget();
      return 'different';
    }
    await this.#mongo(() => this.#db.renameCollection(COPY, 'calls', { dropTarget: true }), { retries: 0 });
    await this.forget();
    return 'exchanged';
  }

  /** Forgets how far the copy has come. @throws StoreError */
  async forget(): Promise<void> {
    await this.#mongo(() => this.#state.deleteOne({ _id: ID }));
  }

  async #unfinished(): Promise<UpgradeRow | undefined> {
    return (await this.#mongo(() => this.#state.findOne({ _id: ID }))) ?? undefined;
  }

  /** With an empty copy: an earlier upgrade may have left one, perhaps before a backup was put back. */
  async #begin(): Promise<UpgradeRow> {
    // Not dropped, since it may be sharded.
    await this.#mongo(() => this.#copy.deleteMany({}));
    const stored = Object.fromEntries(await this.#progress.storedThrough());
    const state: UpgradeRow = { _id: ID, stored_before: stored, rows: 0 };
    await this.#mongo(() => this.#state.replaceOne({ _id: ID }, state, { upsert: true }));
    return state;
  }

  /** Rows in order of their ids, as the server orders them. */
  async *#pages(filter: Document, after?: string): AsyncGenerator<CallRow[]> {
    const options = { sort: { _id: 1 as const }, limit: PAGE_ROWS, batchSize: PAGE_ROWS };
    for (let last = after; ; ) {
      const behind = last === undefined ? filter : { ...filter, _id: { $gt: last } };
      const page = await this.#mongo((limits) =>
        this.#rows.find(behind as Filter<CallRow>, { ...options, ...limits }).toArray(),
      );
      if (page.length > 0) yield page;
      if (page.length < PAGE_ROWS) return;
      last = page.at(-1)!._id;
    }
  }

  async #insert(page: readonly CallRow[]): Promise<void> {
    const rows = page.map((row) => ({ ...row, _id: rowId({ userId: row.user_id, callId: row._id }) }));
    await this.#mongo(() => insertUnique(this.#db, this.#copy, rows, PAGE_ROWS));
  }
}

function isSame(a: OffsetVector, b: OffsetVector): boolean {
  return a.size === b.size && [...a].every(([id, offset]) => b.get(id) === offset);
}
