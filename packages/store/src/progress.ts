import type { Collection } from 'mongodb';
import { DUPLICATE_KEY, storeError } from './errors.ts';
import type { Limited } from './limited.ts';
import { untilNoConflict } from './retry.ts';
import { Together } from './together.ts';

/** For each `stream:partition` an offset, inclusive: a consistent line through the topic. */
export type Cut = ReadonlyMap<string, number>;

export interface ProgressRow {
  /** `stream:partition`, or `stream` for the row that names the current stream. */
  _id: string;
  /** All events of the partition through this offset are in Mongo (or dead letters). */
  stored?: number;
  /** Everything producers had been told is safe by then is in Mongo. */
  as_of?: Date;
  current?: number;
}

interface Raise {
  id: string;
  offset: number;
}

/** What is raised in a row where it is less. */
interface Change {
  id: string;
  change: Pick<ProgressRow, 'stored' | 'as_of'>;
}

/** `stored` before the first event. */
const NOTHING = -1;
/** Id of the row that names the current stream. */
const STREAM = 'stream';

export function cutKey(stream: number, partition: number): string {
  return `${stream}:${partition}`;
}

/** How far each partition is known to be in Mongo (§ "Why the numbers are right", rule 3, in docs/design.md). */
export class Progress {
  readonly #rows: Collection<ProgressRow>;
  readonly #limited: Limited;
  readonly #raises = new Together<Raise, undefined>(async (raises) => {
    await this.#max(raises.map(({ id, offset }) => ({ id, change: { stored: offset } })));
    return raises.map(() => undefined);
  });

  constructor(rows: Collection<ProgressRow>, limited: Limited) {
    this.#rows = rows;
    this.#limited = limited;
  }

  /**
   * Raises `stored`; never lowers it. Call it only when every event of the partition through `offset` that is a call
   * has its row in Mongo, by an acknowledged majority write.
   * @throws StoreError
   */
  async raise(stream: number, partition: number, offset: number): Promise<void> {
    await this.#raises.ask({ id: cutKey(stream, partition), offset });
  }

  /**
   * Makes the partitions of a stream known, so that as-of waits for those that nobody has read from yet.
   * @throws StoreError
   */
  async expect(stream: number, partitions: readonly number[]): Promise<void> {
    await this.#max(changesOf(stream, partitions, { stored: NOTHING }));
  }

  /** Notes that everything acknowledged to producers by `asOfMs` (epoch ms) is in Mongo, for these partitions. */
  async raiseAsOf(stream: number, partitions: readonly number[], asOfMs: number): Promise<void> {
    await this.#max(changesOf(stream, partitions, { as_of: new Date(asOfMs) }));
  }

  /** `stored` of every partition of every stream. @throws StoreError */
  async stored(): Promise<Map<string, number>> {
    return storedOf(await this.#all());
  }

  /** Epoch ms by which everything acknowledged is in Mongo; undefined while a partition of the stream has not said. */
  async asOf(): Promise<number | undefined> {
    const rows = await this.#all();
    const prefix = cutKey(currentOf(rows), 0).slice(0, -1);
    const times = rows.filter((row) => row._id.startsWith(prefix)).map((row) => row.as_of?.getTime());
    if (times.length === 0 || times.includes(undefined)) return undefined;
    return Math.min(...(times as number[]));
  }

  /** The same by partition, for each partition of a stream that has said. @throws StoreError */
  async asOfByPartition(stream: number): Promise<Map<number, number>> {
    const prefix = cutKey(stream, 0).slice(0, -1);
    const times = new Map<number, number>();
    for (const { _id, as_of } of await this.#all()) {
      if (as_of !== undefined && _id.startsWith(prefix))
        times.set(Number(_id.slice(prefix.length)), as_of.getTime());
    }
    return times;
  }

  /** The stream that the topic's offsets belong to now; 0 until an operator begins another. @throws StoreError */
  async currentStream(): Promise<number> {
    return (await this.#limited(() => this.#rows.findOne({ _id: STREAM })))?.current ?? 0;
  }

  /** The current stream and `stored` of every partition of every stream, as of one read. @throws StoreError */
  async standing(): Promise<{ stream: number; stored: Map<string, number> }> {
    const rows = await this.#all();
    return { stream: currentOf(rows), stored: storedOf(rows) };
  }

  /**
   * Begins the stream after `previous`: from here on the topic's offsets are those of another life of it.
   * @returns the stream that is current now; another than `previous` + 1 when somebody else was faster
   * @throws StoreError
   */
  async beginStream(previous: number): Promise<number> {
    try {
      await this.#limited(() =>
        this.#rows.updateOne(
          { _id: STREAM, ...(previous === 0 ? { current: { $exists: false } } : { current: previous }) },
          { $set: { current: previous + 1 } },
          { upsert: true },
        ),
      );
    } catch (thrown) {
      // The row is there, and names another stream than the previous one.
      if ((storeError(thrown).cause as { code?: unknown } | null)?.code !== DUPLICATE_KEY) throw thrown;
    }
    return this.currentStream();
  }

  async #all(): Promise<ProgressRow[]> {
    return this.#limited(() => this.#rows.find({}).toArray());
  }

  /** In the order of their ids, so that concurrent updates take their locks in one order and never deadlock. */
  async #max(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const updates = changes
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, change }) => ({
        updateOne: { filter: { _id: id }, update: { $max: change }, upsert: true },
      }));
    const write = () => this.#limited(() => this.#rows.bulkWrite(updates, { ordered: false }));
    try {
      await untilNoConflict(write);
    } catch (thrown) {
      const error = storeError(thrown);
      // Two first upserts of one id: one of them finds the other's row, and a second try updates it.
      if ((error.cause as { code?: unknown } | null)?.code !== DUPLICATE_KEY) throw error;
      await untilNoConflict(write);
    }
  }
}

function changesOf(stream: number, partitions: readonly number[], change: Change['change']): Change[] {
  return partitions.map((partition) => ({ id: cutKey(stream, partition), change }));
}

function currentOf(rows: readonly ProgressRow[]): number {
  return rows.find(({ _id }) => _id === STREAM)?.current ?? 0;
}

function storedOf(rows: readonly ProgressRow[]): Map<string, number> {
  const cut = new Map<string, number>();
  for (const { _id, stored = NOTHING } of rows) if (stored > NOTHING) cut.set(_id, stored);
  return cut;
}
