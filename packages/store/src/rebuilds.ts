import type { Collection } from 'mongodb';
import type { WithTimeout } from './with-timeout.ts';

/** How far a rebuild of every user has come, its earlier parts included. */
export interface RebuildState {
  /** The generations it belongs to; in another one it says nothing. */
  generation: string;
  /** All users through this one are done, in the order of `Users.pages`. */
  through: string;
  users: number;
  calls: number;
  /** Rows added up for them; those of users who differed are added up twice. */
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

/** The rebuild that has not ended yet, if there is one: a document beside those of `Progress`. */
export class Rebuilds {
  readonly #rows: Collection<RebuildRow>;
  readonly #withTimeout: WithTimeout;

  constructor(rows: Collection<RebuildRow>, withTimeout: WithTimeout) {
    this.#rows = rows;
    this.#withTimeout = withTimeout;
  }

  /** @throws StoreError */
  async unfinished(): Promise<RebuildState | undefined> {
    const row = await this.#withTimeout(() => this.#rows.findOne({ _id: ID }));
    if (row === null) return undefined;
    const { _id, ...state } = row;
    return state;
  }

  /** @throws StoreError */
  async save(state: RebuildState): Promise<void> {
    await this.#withTimeout(() => this.#rows.replaceOne({ _id: ID }, state, { upsert: true }));
  }

  /** @throws StoreError */
  async forget(): Promise<void> {
    await this.#withTimeout(() => this.#rows.deleteOne({ _id: ID }));
  }
}
