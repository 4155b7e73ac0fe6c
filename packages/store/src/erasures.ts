import type { Collection } from 'mongodb';
import { Batcher } from './batcher.ts';
import type { Source } from './call-row.ts';
import { isDuplicateKey, StoreError } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';
import { ERASURES, type ProgressRow } from './progress.ts';

/**
 * - `erasing`: rows, corrections and counters are being deleted. Every event of the user is dropped.
 * - `closing`: all is deleted, and the ends of the topic are being read. Events of the user wait meanwhile.
 * - `finished`: events at or below the ends are dropped. Later ones count, as those of a new user.
 */
export type ErasureState = 'erasing' | 'closing' | 'finished';

/** The last offset of each partition of a topic epoch. */
export interface TopicEnds {
  stream: number;
  ends: { partition: number; offset: number }[];
}

/** A document of the collection `erasures`: a user who was erased. */
export interface ErasureRow extends Partial<TopicEnds> {
  /** The user's id. */
  _id: string;
  state: ErasureState;
  /** How often the user was erased. A worker of an earlier time changes nothing. */
  count: number;
  /** Of the list when this document last changed. */
  version: number;
  /** When the last erasure was asked for, by the clock of the command. */
  at: Date;
  finished_at?: Date;
}

/** Of a change that others are faster with. */
const ATTEMPTS = 50;

/** Whether an event of the user is dropped. @throws RangeError while that is being decided */
export function isErased({ state, stream, ends }: ErasureRow, source: Source): boolean {
  if (state === 'erasing') return true;
  if (state === 'closing') throw new RangeError('the ends of this erasure are not known yet');
  if (source.stream !== stream) return source.stream < stream!;
  const end = ends!.find(({ partition }) => partition === source.partition);
  return source.offset <= (end?.offset ?? -1);
}

/**
 * The users that were erased. Each change raises the version of the list after it is written, so that whoever reads the
 * same version twice knows that nothing was written in between. Holds the ids of these users; what else is known of them
 * is read when it is needed.
 */
export class Erasures {
  readonly #rows: Collection<ErasureRow>;
  readonly #progress: Collection<ProgressRow>;
  readonly #mongo: MongoCall;
  readonly #versions = new Batcher<undefined, number>((asked) => this.#readVersion(asked.length));
  readonly #userIds = new Set<string>();
  #known: number | undefined;

  constructor(rows: Collection<ErasureRow>, progress: Collection<ProgressRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#progress = progress;
    this.#mongo = mongo;
  }

  /** The version of the list that `has` speaks of; undefined before the first `refresh`. */
  get known(): number | undefined {
    return this.#known;
  }

  /** Whether the user was erased once, as far as is known. */
  has(userId: string): boolean {
    return this.#userIds.has(userId);
  }

  /** The present version; 0 if nobody was erased yet. One read of a document, begun after the call. @throws StoreError */
  async version(): Promise<number> {
    return (await this.#versions.ask([undefined]))[0]!;
  }

  /**
   * Tells partitions the present version, so that `Progress.advanceStored` need not ask for it. Returns once a majority has
   * it. Call it only when the rows are there: one that came later could be told a version that is over by then.
   * @throws StoreError
   */
  async tellPartitions(): Promise<void> {
    const version = await this.version();
    // One by one, by their ids: an update of many may miss a row that moves to another shard meanwhile. In the order of the
    // ids, as all who write these rows.
    const untold = { _id: /:/, erasures: { $not: { $gte: version } } };
    const rows = await this.#mongo(() => this.#progress.find(untold, { projection: { _id: 1 } }).toArray());
    if (rows.length === 0) return;
    const tells = rows
      .map(({ _id }) => _id)
      .sort()
      .map((_id) => ({ updateOne: { filter: { _id }, update: { $max: { erasures: version } } } }));
    await this.#mongo(() => this.#progress.bulkWrite(tells, { ordered: false }));
  }

  /** Learns of users that were erased since. @returns the present version. @throws StoreError */
  async refresh(): Promise<number> {
    const version = await this.version();
    if (version === this.#known) return version;
    // Mongo may have been put back, and its list with it. Ids too many cost a look-up, and do no harm.
    const known = this.#known ?? 0;
    const since = version < known ? 0 : known;
    for (const userId of await this.changedSince(since)) this.#userIds.add(userId);
    this.#known = version;
    return version;
  }

  /** The users whose erasures have changed since a version. @throws StoreError */
  async changedSince(version: number): Promise<string[]> {
    const changed = { version: { $gt: version } };
    const rows = await this.#mongo(() =>
      this.#rows.find(changed, { projection: { _id: 1 }, batchSize: 10_000 }).toArray(),
    );
    return rows.map(({ _id }) => _id);
  }

  /** The erasures of these users, as they are now. @throws StoreError */
  async of(userIds: readonly string[]): Promise<Map<string, ErasureRow>> {
    if (userIds.length === 0) return new Map();
    const rows = await this.#mongo(() => this.#rows.find({ _id: { $in: [...userIds] } }).toArray());
    return new Map(rows.map((row) => [row._id, row]));
  }

  /** All erasures by the bytes of their users' ids, some at a time. @throws StoreError */
  async *pages(size = 1_000): AsyncGenerator<ErasureRow[]> {
    for (let after = ''; ; ) {
      const page = await this.#mongo(() =>
        this.#rows
          .find({ _id: { $gt: after } })
          .sort({ _id: 1 })
          .limit(size)
          .toArray(),
      );
      if (page.length > 0) yield page;
      if (page.length < size) return;
      after = page.at(-1)!._id;
    }
  }

  /** Erasures that are not finished, the oldest first. @throws StoreError */
  async unfinished(): Promise<ErasureRow[]> {
    const unfinished = { state: { $in: ['erasing' as const, 'closing' as const] } };
    return this.#mongo(() => this.#rows.find(unfinished).sort({ at: 1 }).toArray());
  }

  /** Erasures that were finished at or after a time. @throws StoreError */
  async finishedSince(time: Date): Promise<ErasureRow[]> {
    return this.#mongo(() => this.#rows.find({ state: 'finished', finished_at: { $gte: time } }).toArray());
  }

  /**
   * Begins to erase a user, or makes sure that everybody hears of an erasure that is not finished.
   * @returns the erasure; from here on, whoever reads the version can know it, and partitions are told
   * @throws StoreError
   */
  async begin(userId: string): Promise<ErasureRow> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = (await this.of([userId])).get(userId);
      if (before !== undefined && before.state !== 'finished') await this.#announce(userId);
      else if (!(await this.#beginAfter(userId, before))) continue;
      await this.tellPartitions();
      const begun = (await this.of([userId])).get(userId);
      if (begun !== undefined) return begun;
    }
    throw contended();
  }

  /** Everything is deleted. Events wait from here on. No effect unless it is erasing. @throws StoreError */
  async close({ _id, count }: ErasureRow): Promise<void> {
    await this.#change({ _id, count, state: 'erasing' }, { state: 'closing' });
  }

  /** @param through the ends of the topic, read after `close`. No effect unless it is closing. @throws StoreError */
  async finish({ _id, count }: ErasureRow, { stream, ends }: TopicEnds): Promise<void> {
    const finished = { state: 'finished' as const, stream, ends, finished_at: new Date() };
    await this.#change({ _id, count, state: 'closing' }, finished);
  }

  /** @returns false if somebody else was faster */
  async #beginAfter(userId: string, before: ErasureRow | undefined): Promise<boolean> {
    const begun = { state: 'erasing' as const, count: (before?.count ?? 0) + 1, at: new Date() };
    if (before !== undefined)
      return this.#change({ _id: userId, count: before.count, state: before.state }, begun);
    const version = (await this.version()) + 1;
    try {
      await this.#mongo(() => this.#rows.insertOne({ _id: userId, ...begun, version }));
    } catch (thrown) {
      if (!isDuplicateKey(thrown)) throw thrown;
      return false;
    }
    if (!(await this.#raise(version))) await this.#announce(userId);
    return true;
  }

  /** @returns false if the erasure is no longer as it was */
  async #change(
    was: Pick<ErasureRow, '_id' | 'count' | 'state'>,
    to: Partial<Omit<ErasureRow, '_id'>>,
  ): Promise<boolean> {
    const version = (await this.version()) + 1;
    const { matchedCount } = await this.#mongo(() => this.#rows.updateOne(was, { $set: { ...to, version } }));
    if (matchedCount === 0) return false;
    if (!(await this.#raise(version))) await this.#announce(was._id);
    return true;
  }

  /** Gives an erasure a version of its own. */
  async #announce(userId: string): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const version = (await this.version()) + 1;
      await this.#mongo(() => this.#rows.updateOne({ _id: userId }, { $set: { version } }));
      if (await this.#raise(version)) return;
    }
    throw contended();
  }

  /** @returns false if somebody else has raised the version meanwhile */
  async #raise(version: number): Promise<boolean> {
    const before = version === 1 ? { version: { $exists: false } } : { version: version - 1 };
    try {
      const { matchedCount, upsertedCount } = await this.#mongo(() =>
        this.#progress.updateOne(
          { _id: ERASURES, ...before },
          { $set: { version } },
          { upsert: version === 1 },
        ),
      );
      return matchedCount + upsertedCount > 0;
    } catch (thrown) {
      if (!isDuplicateKey(thrown)) throw thrown;
      return false;
    }
  }

  async #readVersion(asked: number): Promise<number[]> {
    const row = await this.#mongo(() => this.#progress.findOne({ _id: ERASURES }));
    return Array(asked).fill(row?.version ?? 0);
  }
}

function contended(): StoreError {
  return new StoreError('STORE_CONFLICT', true, new Error('others change erasures all the time'));
}
