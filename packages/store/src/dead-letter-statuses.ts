import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, MongoBulkWriteError } from 'mongodb';
import { DUPLICATE_KEY, StoreError } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/**
 * What an operator did with a dead letter; without a mark it is open.
 * - `retrying`: somebody claimed it to publish it again, and either is at it or was interrupted.
 * - `retried`: it was published again, and that was acknowledged.
 * - `discarded`: nobody wants it.
 */
export type DeadLetterState = 'retrying' | 'retried' | 'discarded';

export interface DeadLetterStatus {
  /** The event that failed, however many letters tell of it. */
  _id: string;
  /** The letter that was at hand, `topic:partition:offset`. */
  letter: string;
  state: DeadLetterState;
  /** The run of a command that wrote this mark, a random id. */
  attempt: string;
  /** When the state was written, by the clock of the command. */
  at: Date;
}

const READ_BACK_ATTEMPTS = 5;
const READ_BACK_PAUSE_MS = 10;

/** Who did what with which dead letter. A claim is an insert of an `_id`, so only one of many gets it. */
export class DeadLetterStatuses {
  readonly #rows: Collection<DeadLetterStatus>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<DeadLetterStatus>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** The marks there are, by id. @throws StoreError */
  async of(ids: readonly string[]): Promise<Map<string, DeadLetterStatus>> {
    if (ids.length === 0) return new Map();
    const rows = await this.#mongo(() => this.#rows.find({ _id: { $in: [...ids] } }).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }

  /**
   * Marks events that have no mark yet. May be repeated with the same `attempt`.
   * @param events of distinct ids
   * @returns the marks that stood in the way, by id; whatever is not among them is marked by `attempt`
   * @throws StoreError; then any part may have been marked
   */
  async claim(
    events: readonly { id: string; letter: string }[],
    state: DeadLetterState,
    attempt: string,
  ): Promise<Map<string, DeadLetterStatus>> {
    const at = new Date();
    // Sorted, so that concurrent claims take their locks in one order.
    const rows = events
      .map(({ id, letter }): DeadLetterStatus => ({ _id: id, letter, state, attempt, at }))
      .sort((a, b) => (a._id < b._id ? -1 : 1));
    const taken = await this.#mongo(() => this.#insert(rows));
    const found = await this.#readBack(taken);
    for (const [id, mark] of found) if (mark.attempt === attempt) found.delete(id);
    return found;
  }

  /** Puts `attempt` in the place of a mark that is still the one that was seen. @returns whether it was @throws StoreError */
  async takeOver(seen: DeadLetterStatus, state: DeadLetterState, attempt: string): Promise<boolean> {
    const { matchedCount } = await this.#mongo(() =>
      this.#rows.updateOne(
        // The attempt's own id too, so that a repetition finds what it wrote.
        {
          _id: seen._id,
          $or: [{ attempt }, { attempt: seen.attempt, state: seen.state }],
        },
        { $set: { state, attempt, at: new Date() } },
      ),
    );
    return matchedCount === 1;
  }

  /** Notes that what `attempt` claimed is published; what another took over meanwhile stays theirs. @throws StoreError */
  async settle(ids: readonly string[], attempt: string): Promise<void> {
    if (ids.length === 0) return;
    const change = { $set: { state: 'retried' as const, at: new Date() } };
    await this.#mongo(() => this.#rows.updateMany({ _id: { $in: [...ids] }, attempt }, change));
  }

  /** Inserts rows of distinct ids; returns the ids that were taken already. */
  async #insert(rows: DeadLetterStatus[]): Promise<string[]> {
    if (rows.length === 0) return [];
    try {
      await this.#rows.insertMany(rows, { ordered: false });
      return [];
    } catch (thrown) {
      if (!(thrown instanceof MongoBulkWriteError)) throw thrown;
      const errors = Array.isArray(thrown.writeErrors) ? thrown.writeErrors : [thrown.writeErrors];
      const onlyTaken = errors.length > 0 && errors.every(({ code }) => code === DUPLICATE_KEY);
      if (!onlyTaken || thrown.result.getWriteConcernError() !== undefined) throw thrown;
      return errors.map((error) => rows[error.index]!._id);
    }
  }

  /** A mark whose id is taken may not be majority-committed yet: then it is asked for again. */
  async #readBack(ids: string[]): Promise<Map<string, DeadLetterStatus>> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.of(ids);
      if (found.size === ids.length) return found;
      if (attempt === READ_BACK_ATTEMPTS) {
        const cause = new Error(`${ids.length - found.size} marks are being written by another`);
        throw new StoreError('STORE_CONFLICT', true, cause);
      }
      await sleep(READ_BACK_PAUSE_MS * attempt);
    }
  }
}
