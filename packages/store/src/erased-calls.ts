import type { Collection, Document } from 'mongodb';
import { type CallRow, idsOfCorrections } from './call-row.ts';
import type { CorrectionRow } from './corrections.ts';
import { type ErasureRow, isErased, type TopicEnds } from './erasures.ts';
import type { MongoCall } from './mongo-call.ts';

/** Takes Mongo a few tenths of a second at most. */
const PIECE_ROWS = 1_000;
const CALLS_AT_ONCE = 500;

/** Deletes what erased events have brought: rows, and the corrections of their calls. Idempotent. */
export class ErasedCalls {
  readonly #rows: Collection<CallRow>;
  readonly #corrections: Collection<CorrectionRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<CallRow>, corrections: Collection<CorrectionRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#corrections = corrections;
    this.#mongo = mongo;
  }

  /**
   * Deletes everything of a user that came by an event at or below the ends of a topic epoch, or by an earlier epoch.
   * Corrections first: without its row, a correction would count alone.
   * @param onDeleted told of each piece
   * @throws StoreError; then a part is deleted
   */
  async deleteThrough(
    userId: string,
    topic: TopicEnds,
    onDeleted: (deleted: number) => void = () => {},
    signal?: AbortSignal,
  ): Promise<number> {
    let all = 0;
    const erased = [
      [this.#corrections, { $or: [...through(topic, 'source'), ...through(topic, 'replaces')] }],
      [this.#rows, { $or: through(topic, 'source') }],
    ] as unknown as [Collection<{ _id: string }>, Document][];
    for (const [collection, isOld] of erased) {
      const filter = { user_id: userId, ...isOld };
      for (;;) {
        signal?.throwIfAborted();
        const deleted = await this.#deletePiece(collection, filter);
        if (deleted === 0) break;
        all += deleted;
        onDeleted(deleted);
      }
    }
    return all;
  }

  /**
   * Deletes what erased events have brought of these calls.
   * @param rowIds of calls of the erasure's user
   * @returns how many documents were there
   * @throws StoreError
   */
  async deleteOf(erasure: ErasureRow, rowIds: readonly string[]): Promise<number> {
    const ids = [...new Set(rowIds)];
    let deleted = 0;
    for (let at = 0; at < ids.length; at += CALLS_AT_ONCE) {
      const some = ids.slice(at, at + CALLS_AT_ONCE);
      // Not by their numbers, as `Corrections.of`: others may have deleted those before.
      const ofThese = { user_id: erasure._id, $or: some.map(idsOfCorrections) };
      const [corrections, rows] = await this.#mongo(() =>
        Promise.all([
          this.#corrections.find(ofThese).toArray(),
          this.#rows.find({ user_id: erasure._id, _id: { $in: some } }).toArray(),
        ]),
      );
      const erased = corrections.filter(
        ({ source, replaces }) => isErased(erasure, source) || isErased(erasure, replaces),
      );
      deleted += await this.#delete(this.#corrections, erased);
      deleted += await this.#delete(
        this.#rows,
        rows.filter(({ source }) => isErased(erasure, source)),
      );
    }
    return deleted;
  }

  /** By id and source: the same call may have come back as a new user's. */
  async #delete<T extends Pick<CallRow, '_id' | 'user_id' | 'source'>>(
    collection: Collection<T>,
    documents: readonly T[],
  ): Promise<number> {
    if (documents.length === 0) return 0;
    const deletes = documents.map((one) => {
      const { stream, partition, offset } = one.source;
      const source = { 'source.stream': stream, 'source.partition': partition, 'source.offset': offset };
      return { deleteOne: { filter: { user_id: one.user_id, _id: one._id, ...source } as Document } };
    });
    const reply = await this.#mongo(() => collection.bulkWrite(deletes as never, { ordered: false }));
    return reply.deletedCount;
  }

  async #deletePiece(collection: Collection<{ _id: string }>, filter: Document): Promise<number> {
    const found = await this.#mongo((limits) =>
      collection.find(filter, { projection: { _id: 1 }, limit: PIECE_ROWS, ...limits }).toArray(),
    );
    if (found.length === 0) return 0;
    const ids = found.map(({ _id }) => _id);
    const { deletedCount } = await this.#mongo(() => collection.deleteMany({ ...filter, _id: { $in: ids } }));
    return Math.max(deletedCount, 1);
  }
}

/** Clauses that match sources at or below the ends. */
function through({ stream, ends }: TopicEnds, field: 'source' | 'replaces'): Document[] {
  return [
    { [`${field}.stream`]: { $lt: stream } },
    ...ends.map(({ partition, offset }) => ({
      [`${field}.stream`]: stream,
      [`${field}.partition`]: partition,
      [`${field}.offset`]: { $lte: offset },
    })),
  ];
}
