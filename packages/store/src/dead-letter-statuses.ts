import type { Collection } from 'mongodb';
import { isDuplicateKey } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/** What an operator did last with a dead letter: published its event again, or gave it up. */
export type DeadLetterState = (typeof STATES)[number];

/** The status of a dead letter that was dealt with. A letter without one is open. */
export interface DeadLetterStatus {
  /** The event that failed, however many letters tell of it. */
  _id: string;
  /** The letter that the operator chose, `topic:partition:offset`. */
  letter: string;
  state: DeadLetterState;
  /** When the state was written, by the clock of the command. */
  at: Date;
}

const STATES = ['retried', 'discarded'] as const;

/** What operators did with dead letters. Nothing here locks: an event that is published twice is counted once. */
export class DeadLetterStatuses {
  readonly #rows: Collection<DeadLetterStatus>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<DeadLetterStatus>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** The statuses of these events, by id; an open letter has none. @throws StoreError */
  async of(ids: readonly string[]): Promise<Map<string, DeadLetterStatus>> {
    if (ids.length === 0) return new Map();
    // Version 0.1 also wrote `retrying`, before it published. Such an event may not be published yet, so it is open.
    const filter = { _id: { $in: [...ids] }, state: { $in: [...STATES] } };
    const rows = await this.#mongo(() => this.#rows.find(filter).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }

  /**
   * Writes the state of events, whatever it was before. Idempotent.
   * @param events of distinct ids
   * @throws StoreError; then any part may have been written
   */
  async set(events: readonly { id: string; letter: string }[], state: DeadLetterState): Promise<void> {
    if (events.length === 0) return;
    const at = new Date();
    // Sorted, so that concurrent commands take their locks in one order.
    const writes = events
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, letter }) => ({
        replaceOne: { filter: { _id: id }, replacement: { letter, state, at }, upsert: true },
      }));
    const write = () => this.#mongo(() => this.#rows.bulkWrite(writes, { ordered: false }));
    try {
      await write();
    } catch (thrown) {
      // Another command inserted the same id at the same moment. It is there now, and can be replaced.
      if (!isDuplicateKey(thrown)) throw thrown;
      await write();
    }
  }
  /** Forgets what was done with these events. @returns of how many there was a status. @throws StoreError */
  async forget(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return (await this.#mongo(() => this.#rows.deleteMany({ _id: { $in: [...ids] } }))).deletedCount;
  }
}
