import { compareIds } from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import type { CallRow } from './rows.ts';
import type { WithTimeout } from './with-timeout.ts';

export interface UserCalls {
  userId: string;
  calls: number;
}

/** Rows that one page is to cover, about; more where a single user has more. */
const ROWS_A_PAGE = 5_000;
/** All in the first reply, or nearly: on some servers a second one costs as much as the whole aggregation. */
const USERS_A_BATCH = 10_000;
const PAGES_MAX = 5_000;
const SAMPLE_ROUNDS = 5;

/** Whose calls there are. */
export class Users {
  readonly #rows: Collection<CallRow>;
  readonly #withTimeout: WithTimeout;
  readonly #maxTimeMs: number;

  /** @param maxTimeMs after which Mongo itself gives a query up; below what `withTimeout` waits */
  constructor(rows: Collection<CallRow>, withTimeout: WithTimeout, maxTimeMs: number) {
    this.#rows = rows;
    this.#withTimeout = withTimeout;
    this.#maxTimeMs = maxTimeMs;
  }

  /**
   * All users that have rows, in the order of their ids' bytes, a page at a time. Pages end at the users of random rows:
   * each is then one stretch of the index, where sorting and limiting would make some servers sort all that is left.
   * @param after only users behind this one
   * @throws StoreError
   */
  async *pages(after?: string): AsyncGenerator<UserCalls[]> {
    let from = after;
    for (const until of [...(await this.#borders(after)), undefined]) {
      const page = await this.#between(from, until);
      if (page.length > 0) yield page;
      from = until;
    }
  }

  /**
   * Some users by chance, those with many calls more likely; fewer than `count` where there are hardly more.
   * @throws StoreError
   */
  async sample(count: number): Promise<string[]> {
    const found = new Set<string>();
    for (let round = 1; round <= SAMPLE_ROUNDS && found.size < count; round++) {
      // More each time, since most of the rows may be those of a few users.
      for (const userId of await this.#usersOfRandomRows(count * 2 ** round)) found.add(userId);
    }
    return [...found].slice(0, count);
  }

  /** How many rows a user has. @throws StoreError */
  async callsOf(userId: string): Promise<number> {
    return this.#withTimeout((signal) =>
      this.#rows.countDocuments({ user_id: userId }, { maxTimeMS: this.#maxTimeMs, signal }),
    );
  }

  /** How many rows there are, about, and at once. @throws StoreError */
  async estimateCalls(): Promise<number> {
    return Math.max(0, await this.#withTimeout(() => this.#rows.estimatedDocumentCount()));
  }

  async #borders(after = ''): Promise<string[]> {
    const pages = Math.min(PAGES_MAX, Math.ceil((await this.estimateCalls()) / ROWS_A_PAGE));
    if (pages <= 1) return [];
    const userIds = await this.#usersOfRandomRows(pages);
    return [...new Set(userIds)].filter((userId) => compareIds(userId, after) > 0).sort(compareIds);
  }

  /** The index has all that is asked for, so where there is more than one page no row is read. */
  async #between(from: string | undefined, until: string | undefined): Promise<UserCalls[]> {
    const within: Document = {};
    if (from !== undefined) within.$gt = from;
    if (until !== undefined) within.$lte = until;
    const match = from === undefined && until === undefined ? {} : { user_id: within };
    const pipeline = [{ $match: match }, { $group: { _id: '$user_id', calls: { $sum: 1 } } }];
    const options = { batchSize: USERS_A_BATCH, maxTimeMS: this.#maxTimeMs };
    const found = await this.#withTimeout((signal) =>
      this.#rows.aggregate(pipeline, { ...options, signal }).toArray(),
    );
    const users = found.map(({ _id, calls }) => ({ userId: String(_id), calls: Number(calls) }));
    return users.sort((a, b) => compareIds(a.userId, b.userId));
  }

  async #usersOfRandomRows(count: number): Promise<string[]> {
    const pipeline = [{ $sample: { size: count } }, { $project: { _id: 0, user_id: 1 } }];
    const found = await this.#withTimeout((signal) =>
      this.#rows.aggregate(pipeline, { maxTimeMS: this.#maxTimeMs, signal }).toArray(),
    );
    return found.map((row) => String(row.user_id));
  }
}
