import type { Collection } from 'mongodb';
import type { MongoCall } from './mongo-call.ts';

/** How far a rebuild of every user has come, over all its runs. */
export interface RebuildState {
  /** The generations it belongs to; in others it says nothing. */
  generation: string;
  /** All users through this one are done, in the order of `Users.pages`. */
  through: string;
  users: number;
  calls: number;
  /** Rows added up for them; twice for users who differed. */
  rows: number;
  /** Rows added up for users behind `through`. */
  ahead: number;
  drifted: number;
  cold: number;
  filling: number;
  seconds: number;
}

export interface RebuildRow extends RebuildState {
  _id: 'rebuild';
}

const ID = 'rebuild';

/** The unfinished rebuild, if there is one: a document beside those of `Progress`. */
export class Rebuilds {
  readonly #rows: Collection<RebuildRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<RebuildRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** @throws StoreError */
  async unfinished(): Promise<RebuildState | undefined> {
    const row = await this.#mongo(() => this.#rows.findOne({ _id: ID }));
    if (row === null) return undefined;
    const { _id, ...state } = row;
    return state;
  }

  /** @throws StoreError */
  async save(state: RebuildState): Promise<void> {
    await this.#mongo(() => this.#rows.replaceOne({ _id: ID }, state, { upsert: true }));
  }

  /** @param through only a rebuild that stands at this user. @throws StoreError */
  async forget(through?: string): Promise<void> {
    const which = through === undefined ? {} : { through };
    await this.#mongo(() => this.#rows.deleteOne({ _id: ID, ...which }));
  }
}
