import { compareIds } from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import type { CallRow } from './call-row.ts';
import type { MongoCall } from './mongo-call.ts';

export interface UserCalls {
  userId: string;
  calls: number;
}

/** About how many rows a page covers; more if a single user has more. */
const PAGE_ROWS = 5_000;
/** Nearly always enough for one reply: on some servers a second one costs as much as the whole aggregation. */
const REPLY_USERS = 10_000;
const PAGES_MAX = 5_000;
const SAMPLE_ROUNDS_MAX = 5;

/** The users that have rows in `calls`. */
export class Users {
  readonly #rows: Collection<CallRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<CallRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /**
   * All users by the bytes of their ids, a page at a time. Pages end at the users of random rows, so that each is one
   * range of the index. With sort and limit, some servers would sort everything that is left for each page.
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
   * Random users, those with many calls more likely. May be fewer than `count` even if there are a few more.
   * @throws StoreError
   */
  async sample(count: number): Promise<string[]> {
    const found = new Set<string>();
    for (let round = 1; round <= SAMPLE_ROUNDS_MAX && found.size < count; round++) {
      // More rows each time: most of them may belong to a few users.
      for (const userId of await this.#usersOfRandomRows(count * 2 ** round)) found.add(userId);
    }
    return [...found].slice(0, count);
  }

  /** How many rows a user has. @throws StoreError */
  async callsOf(userId: string): Promise<number> {
    return this.#mongo((limits) => this.#rows.countDocuments({ user_id: userId }, limits));
  }

  /** About how many rows there are. Takes no time, however many. @throws StoreError */
  async estimateCalls(): Promise<number> {
    return Math.max(0, await this.#mongo(() => this.#rows.estimatedDocumentCount()));
  }

  async #borders(after = ''): Promise<string[]> {
    const pages = Math.min(PAGES_MAX, Math.ceil((await this.estimateCalls()) / PAGE_ROWS));
    if (pages <= 1) return [];
    const userIds = await this.#usersOfRandomRows(pages);
    return [...new Set(userIds)].filter((userId) => compareIds(userId, after) > 0).sort(compareIds);
  }

  /** Answered from the index alone, without reading rows, if there is more than one page. */
  async #between(from: string | undefined, until: string | undefined): Promise<UserCalls[]> {
    const within: Document = {};
    if (from !== undefined) within.$gt = from;
    if (until !== undefined) within.$lte = until;
    const match = from === undefined && until === undefined ? {} : { user_id: within };
    const pipeline = [{ $match: match }, { $group: { _id: '$user_id', calls: { $sum: 1 } } }];
    const found = await this.#mongo((limits) =>
      this.#rows.aggregate(pipeline, { batchSize: REPLY_USERS, ...limits }).toArray(),
    );
    const users = found.map(({ _id, calls }) => ({ userId: String(_id), calls: Number(calls) }));
    return users.sort((a, b) => compareIds(a.userId, b.userId));
  }

  async #usersOfRandomRows(count: number): Promise<string[]> {
    const pipeline = [{ $sample: { size: count } }, { $project: { _id: 0, user_id: 1 } }];
    const found = await this.#mongo((limits) => this.#rows.aggregate(pipeline, limits).toArray());
    return found.map((row) => String(row.user_id));
  }
}
