import type { Collection, UpdateFilter } from 'mongodb';
import { DUPLICATE_KEY, storeError } from './errors.ts';
import { retryOnConflict } from './retry-on-conflict.ts';
import { TickBatcher } from './tick-batcher.ts';
import type { WithTimeout } from './with-timeout.ts';

/** For each `stream:partition` an offset, inclusive: a consistent line through the topic. */
export type OffsetVector = ReadonlyMap<string, number>;

export interface ProgressRow {
  /** `stream:partition`, or `stream` for the row that names the current stream. */
  _id: string;
  /** All events of the partition through this offset are in Mongo (or dead letters). */
  stored?: number;
  /** Everything producers had been told is safe by then is in Mongo. */
  as_of?: Date;
  /** Why ingest does not go on with the partition; absent while it does. */
  held?: HeldNote;
  /** The last offsets of the partition that could not be read. */
  unreadable?: UnreadableNote;
  current?: number;
}

export interface HeldNote {
  /** Names the reason, see docs/operations.md. */
  code: string;
  since: Date;
}

export interface UnreadableNote {
  first: number;
  through: number;
  at: Date;
}

/** What ingest tells operators of a partition. */
export interface PartitionNotes {
  held: HeldNote | undefined;
  unreadable: UnreadableNote | undefined;
}

interface Update {
  id: string;
  update: UpdateFilter<ProgressRow>;
}

/** `stored` before the first event. */
const NOTHING = -1;
/** Id of the row that names the current stream. */
const STREAM = 'stream';

export function partitionId(stream: number, partition: number): string {
  return `${stream}:${partition}`;
}

/** How far each partition is known to be in Mongo (§ "Why the numbers are right", rule 3, in docs/design.md). */
export class Progress {
  readonly #rows: Collection<ProgressRow>;
  readonly #withTimeout: WithTimeout;
  readonly #updates = new TickBatcher<Update, undefined>(async (updates) => {
    await this.#update(updates);
    return updates.map(() => undefined);
  });

  constructor(rows: Collection<ProgressRow>, withTimeout: WithTimeout) {
    this.#rows = rows;
    this.#withTimeout = withTimeout;
  }

  /**
   * Raises `stored`; never lowers it. Call it only when every event of the partition through `offset` that is a call
   * has its row in Mongo, by an acknowledged majority write.
   * @throws StoreError
   */
  async advanceStored(stream: number, partition: number, offset: number): Promise<void> {
    await this.#updates.ask(raises(stream, [partition], { stored: offset }));
  }

  /**
   * Makes the partitions of a stream known, so that as-of waits for those that nobody has read from yet. One that came
   * later was not there at the as-of of the others, so that holds for it, too, and as-of stands still until it is read.
   * @throws StoreError
   */
  async registerPartitions(stream: number, partitions: readonly number[]): Promise<void> {
    const rows = await this.#all();
    const known = new Set(rows.map(({ _id }) => _id));
    const added = partitions.filter((partition) => !known.has(partitionId(stream, partition)));
    const asOf = asOfOf(rows, stream);
    const first = { stored: NOTHING, ...(asOf !== undefined && { as_of: new Date(asOf) }) };
    await this.#update(raises(stream, added, first));
  }

  /** Notes that everything acknowledged to producers by `asOfMs` (epoch ms) is in Mongo, for these partitions. */
  async advanceAsOf(stream: number, partitions: readonly number[], asOfMs: number): Promise<void> {
    await this.#update(raises(stream, partitions, { as_of: new Date(asOfMs) }));
  }

  /** `stored` of every partition of every stream. @throws StoreError */
  async stored(): Promise<Map<string, number>> {
    return storedOf(await this.#all());
  }

  /** Epoch ms by which everything acknowledged is in Mongo; undefined while a partition of the stream has not said. */
  async asOf(): Promise<number | undefined> {
    const rows = await this.#all();
    return asOfOf(rows, currentOf(rows));
  }

  /** The same by partition, for each partition of a stream that has said. @throws StoreError */
  async asOfByPartition(stream: number): Promise<Map<number, number>> {
    const times = new Map<number, number>();
    for (const [partition, { as_of }] of rowsOf(await this.#all(), stream)) {
      if (as_of !== undefined) times.set(partition, as_of.getTime());
    }
    return times;
  }

  /**
   * Tells operators why partitions of a stream do not go on.
   * @param held for each partition the code of the reason and since when (epoch ms), undefined where it goes on
   * @throws StoreError
   */
  async noteHeld(
    stream: number,
    held: ReadonlyMap<number, { code: string; sinceMs: number } | undefined>,
  ): Promise<void> {
    await this.#update(
      [...held].map(([partition, one]) => ({
        id: partitionId(stream, partition),
        update:
          one === undefined
            ? { $unset: { held: true } }
            : { $set: { held: { code: one.code, since: new Date(one.sinceMs) } } },
      })),
    );
  }

  /** Tells operators of offsets of a partition that could not be read. @throws StoreError */
  async noteUnreadable(stream: number, partition: number, first: number, through: number): Promise<void> {
    const update = { $set: { unreadable: { first, through, at: new Date() } } };
    await this.#update([{ id: partitionId(stream, partition), update }]);
  }

  /** What ingest tells operators of each partition of a stream. @throws StoreError */
  async notes(stream: number): Promise<Map<number, PartitionNotes>> {
    const rows = rowsOf(await this.#all(), stream);
    return new Map(rows.map(([partition, { held, unreadable }]) => [partition, { held, unreadable }]));
  }

  /** The stream that the topic's offsets belong to now; 0 until an operator begins another. @throws StoreError */
  async currentStream(): Promise<number> {
    return (await this.#withTimeout(() => this.#rows.findOne({ _id: STREAM })))?.current ?? 0;
  }

  /** The current stream and `stored` of every partition of every stream, as of one read. @throws StoreError */
  async streamAndStored(): Promise<{ stream: number; stored: Map<string, number> }> {
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
      await this.#withTimeout(() =>
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
    return this.#withTimeout(() => this.#rows.find({}).toArray());
  }

  /** In the order of their ids, so that concurrent updates take their locks in one order and never deadlock. */
  async #update(all: readonly Update[]): Promise<void> {
    if (all.length === 0) return;
    const updates = all
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, update }) => ({ updateOne: { filter: { _id: id }, update, upsert: true } }));
    const write = () => this.#withTimeout(() => this.#rows.bulkWrite(updates, { ordered: false }));
    try {
      await retryOnConflict(write);
    } catch (thrown) {
      const error = storeError(thrown);
      // Two first upserts of one id: one of them finds the other's row, and a second try updates it.
      if ((error.cause as { code?: unknown } | null)?.code !== DUPLICATE_KEY) throw error;
      await retryOnConflict(write);
    }
  }
}

/** Raises values in the rows of partitions where they are less. */
function raises(
  stream: number,
  partitions: readonly number[],
  to: Pick<ProgressRow, 'stored' | 'as_of'>,
): Update[] {
  return partitions.map((partition) => ({ id: partitionId(stream, partition), update: { $max: to } }));
}

/** Epoch ms by which everything acknowledged of a stream is in Mongo; undefined while a partition has not said. */
function asOfOf(rows: readonly ProgressRow[], stream: number): number | undefined {
  const times = rowsOf(rows, stream).map(([, { as_of }]) => as_of?.getTime());
  if (times.length === 0 || times.includes(undefined)) return undefined;
  return Math.min(...(times as number[]));
}

/** The rows of a stream's partitions. */
function rowsOf(rows: readonly ProgressRow[], stream: number): [partition: number, row: ProgressRow][] {
  const prefix = partitionId(stream, 0).slice(0, -1);
  return rows
    .filter(({ _id }) => _id.startsWith(prefix))
    .map((row) => [Number(row._id.slice(prefix.length)), row]);
}

function currentOf(rows: readonly ProgressRow[]): number {
  return rows.find(({ _id }) => _id === STREAM)?.current ?? 0;
}

function storedOf(rows: readonly ProgressRow[]): Map<string, number> {
  const cut = new Map<string, number>();
  for (const { _id, stored = NOTHING } of rows) if (stored > NOTHING) cut.set(_id, stored);
  return cut;
}
