import type { Collection, Db, Document } from 'mongodb';
import { type CallContent, correctionId, ofTheirUsers, type Source } from './call-row.ts';
import { insertUnique } from './insert-unique.ts';
import type { MongoCall } from './mongo-call.ts';
import type { OffsetVector } from './progress.ts';

/**
 * A document of the collection `corrections`: a later event of a call with a higher revision than all before. It counts as
 * a whole: `plus` is added, `minus` taken away. Without `plus` it deletes the call; without `minus` the call was deleted.
 */
export interface CorrectionRow {
  /** See `correctionId`. Its number is that of the corrections before, plus one. */
  _id: string;
  user_id: string;
  revision: number;
  plus?: CallContent;
  minus?: CallContent;
  source: Source;
  /** The source of the row or correction that counted until then. */
  replaces: Source;
  /** Events of other partitions that it builds on, and that were not stored yet when it was inserted. */
  needs?: Source[];
}

/** The largest correction has 7 KB: an id of 2 KiB, a user of 1 KiB, two contents of 1.6 KB. */
const COMMAND_ROWS_MAX = 2_000;
/** Numbers asked for at first: most calls are corrected once or twice. */
const FIRST_NUMBERS = 2;

/** Inserts corrections and looks them up by call. `Tallies` has the sums. */
export class Corrections {
  readonly #db: Db;
  readonly #rows: Collection<CorrectionRow>;
  readonly #mongo: MongoCall;

  constructor(db: Db, mongo: MongoCall) {
    this.#db = db;
    this.#rows = db.collection<CorrectionRow>('corrections');
    this.#mongo = mongo;
  }

  /**
   * Inserts corrections of distinct calls (majority). Idempotent, but for the reply.
   * @returns the ids that were taken
   * @throws StoreError; then any part of them may have been inserted
   */
  async insert(rows: readonly CorrectionRow[]): Promise<Set<string>> {
    if (rows.length === 0) return new Set();
    return new Set(await this.#mongo(() => insertUnique(this.#db, this.#rows, rows, COMMAND_ROWS_MAX)));
  }

  /**
   * All corrections of calls, by the id of the call's row: at index n − 1 the nth one. A gap is one that Mongo lost.
   * Asks by id alone, for more numbers of those that have them all.
   * @throws StoreError
   */
  async of(rowIds: readonly string[]): Promise<Map<string, CorrectionRow[]>> {
    const found = new Map<string, CorrectionRow[]>(rowIds.map((id) => [id, []]));
    let asked = [...found.keys()];
    for (let from = 1, count = FIRST_NUMBERS; asked.length > 0; from += count, count *= 2) {
      const numberOf = new Map<string, [rowId: string, n: number]>();
      for (const rowId of asked) {
        for (let n = from; n < from + count; n++) numberOf.set(correctionId(rowId, n), [rowId, n]);
      }
      const ids = [...numberOf.keys()];
      const these = { ...ofTheirUsers(asked), _id: { $in: ids } };
      const rows = await this.#mongo(() => this.#rows.find(these).toArray());
      const more = new Set<string>();
      for (const row of rows) {
        const [rowId, n] = numberOf.get(row._id)!;
        found.get(rowId)![n - 1] = row;
        more.add(rowId);
      }
      asked = [...more];
    }
    return found;
  }

  /** Whether there is any correction. @throws StoreError */
  async any(): Promise<boolean> {
    return (await this.#mongo(() => this.#rows.findOne({}, { projection: { _id: 1 } }))) !== null;
  }

  /**
   * Those users who have a correction at or below an offset vector that builds on an event beyond it. Their sums through
   * the vector are right, but leave that correction out.
   * @throws StoreError
   */
  async usersWithUnmetNeeds(userIds: readonly string[], through: OffsetVector): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    const unmet = { user_id: { $in: [...userIds] }, needs: { $exists: true } };
    const rows = await this.#mongo((limits) => this.#rows.find(unmet, limits).toArray());
    const isThrough = ({ stream, partition, offset }: Source) =>
      offset <= (through.get(`${stream}:${partition}`) ?? -1);
    return new Set(
      rows.filter((row) => isThrough(row.source) && !row.needs!.every(isThrough)).map((row) => row.user_id),
    );
  }
}

/** Matches corrections at or below an offset vector whose needs are, too. */
export function withNeedsMet(through: OffsetVector): Document {
  if (through.size === 0) return {};
  const offsets = [...through].map(([key, offset]) => [...key.split(':').map(Number), offset]);
  const isBeyond = [
    ...offsets.map(([stream, partition, offset]) => ({ stream, partition, offset: { $gt: offset } })),
    { $nor: offsets.map(([stream, partition]) => ({ stream, partition })) },
  ];
  return { needs: { $not: { $elemMatch: { $or: isBeyond } } } };
}
