import type { Collection, Document, UpdateFilter } from 'mongodb';
import { Batcher } from './batcher.ts';
import { isDuplicateKey } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/** An offset, inclusive, for each partition id: a line through the topic. */
export type OffsetVector = ReadonlyMap<string, number>;

export interface ProgressRow {
  /** A partition id, `stream` for the current topic epoch, or `erasures` for the version of the list of erasures. */
  _id: string;
  /** Through this offset, every event of the partition is a row or a dead letter. */
  stored?: number;
  /** Whatever producers had been told is safe by then is in Mongo. */
  as_of?: Date;
  /** The version of the list of erasures that the partition was told. Absent: none yet. */
  erasures?: number;
  /** For operators: why the partition is held, by the codes of docs/operations.md; absent while it is not. */
  held?: { code: string; since: Date };
  /** For operators: the latest offsets of the partition that could not be read. */
  unreadable?: { first: number; through: number; at: Date };
  /** The current topic epoch, in the row `stream`. */
  current?: number;
  /** In the row `erasures`. Absent: 0. */
  version?: number;
}

interface Update {
  id: string;
  update: UpdateFilter<ProgressRow>;
  /** Only while the row, which must be there, has this version. Default: always, and the row is inserted if need be. */
  erasures?: number;
}

/** `stored` before the first event. */
const NOTHING = -1;
/** Id of the row that names the current topic epoch. */
const STREAM = 'stream';
/** Id of the row with the version of the list of erasures. */
export const ERASURES = 'erasures';

export function partitionId(stream: number, partition: number): string {
  return `${stream}:${partition}`;
}

/** Matches rows whose source lies at or below an offset vector, with one clause for each partition. */
export function upTo(through: OffsetVector): Document[] {
  return [...through].map(([key, offset]) => {
    const [stream, partition] = key.split(':').map(Number);
    return { 'source.stream': stream, 'source.partition': partition, 'source.offset': { $lte: offset } };
  });
}

/** How far Mongo holds each partition ("Why the numbers are right", rule 3, in docs/design.md). */
export class Progress {
  readonly #rows: Collection<ProgressRow>;
  readonly #mongo: MongoCall;
  readonly #updates = new Batcher<Update, boolean>((updates) => this.#update(updates));

  constructor(rows: Collection<ProgressRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /**
   * Raises `stored`; never lowers it. Only after an acknowledged majority write of every call of the partition through
   * `offset`.
   * @param erasures only if the partition was told this version of the list of erasures, and no later one. Then everybody
   *   whose rows somebody has begun to delete is on the list of this version. Default: in any case
   * @returns with `erasures`, false if another version is there, or may be; `stored` may be raised nevertheless
   * @throws StoreError
   */
  async advanceStored(
    stream: number,
    partition: number,
    offset: number,
    erasures?: number,
  ): Promise<boolean> {
    const [update] = raises(stream, [partition], { stored: offset });
    const [isFound] = await this.#updates.ask([{ ...update!, ...(erasures !== undefined && { erasures }) }]);
    return isFound!;
  }

  /**
   * Adds partitions of a topic epoch, so that as-of waits for those that nobody has read from yet. A later one starts
   * with the as-of of the others: it held nothing then. From there as-of stands still until the partition is read.
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

  /**
   * Raises as-of of partitions to `asOfMs` (epoch ms). Only when all that was acknowledged to producers by then is in
   * Mongo.
   * @throws StoreError
   */
  async advanceAsOf(stream: number, partitions: readonly number[], asOfMs: number): Promise<void> {
    await this.#update(raises(stream, partitions, { as_of: new Date(asOfMs) }));
  }

  /** `stored` of every partition of every topic epoch. @throws StoreError */
  async storedThrough(): Promise<Map<string, number>> {
    return storedOf(await this.#all());
  }

  /** As-of of the current topic epoch, epoch ms; undefined while a partition has none. @throws StoreError */
  async asOf(): Promise<number | undefined> {
    const rows = await this.#all();
    return asOfOf(rows, currentOf(rows));
  }

  /** As-of of each partition of a topic epoch that has one, epoch ms. @throws StoreError */
  async asOfByPartition(stream: number): Promise<Map<number, number>> {
    const times = new Map<number, number>();
    for (const [partition, { as_of }] of rowsOf(await this.#all(), stream)) {
      if (as_of !== undefined) times.set(partition, as_of.getTime());
    }
    return times;
  }

  /**
   * Tells operators why partitions are held.
   * @param held for each partition the reason and since when (epoch ms), undefined if it is not held
   * @throws StoreError
   */
  async noteHeld(
    stream: number,
    held: ReadonlyMap<number, { code: string; sinceMs: number } | undefined>,
  ): Promise<void> {
    await this.#update(
      [...held].map(([partition, reason]) => ({
        id: partitionId(stream, partition),
        update:
          reason === undefined
            ? { $unset: { held: true } }
            : { $set: { held: { code: reason.code, since: new Date(reason.sinceMs) } } },
      })),
    );
  }

  /** Tells operators of offsets that could not be read. @throws StoreError */
  async noteUnreadable(stream: number, partition: number, first: number, through: number): Promise<void> {
    const update = { $set: { unreadable: { first, through, at: new Date() } } };
    await this.#update([{ id: partitionId(stream, partition), update }]);
  }

  /** What operators were told of each partition of a topic epoch. @throws StoreError */
  async notes(stream: number): Promise<Map<number, Pick<ProgressRow, 'held' | 'unreadable'>>> {
    return new Map(rowsOf(await this.#all(), stream));
  }

  /** The current topic epoch; 0 until an operator begins another. @throws StoreError */
  async currentStream(): Promise<number> {
    return (await this.#mongo(() => this.#rows.findOne({ _id: STREAM })))?.current ?? 0;
  }

  /**
   * `currentStream` and `storedThrough` in one read.
   * @param stream,partitions to learn `stored` of these partitions alone. Default: of all
   * @returns also whether each partition was told the present version of the list of erasures
   * @throws StoreError
   */
  async streamAndStored(
    stream?: number,
    partitions: readonly number[] = [],
  ): Promise<{ stream: number; stored: Map<string, number>; isTold: boolean }> {
    const rows = await (stream === undefined
      ? this.#all()
      : this.#some([STREAM, ERASURES, ...partitions.map((partition) => partitionId(stream, partition))]));
    return { stream: currentOf(rows), stored: storedOf(rows), isTold: isTold(rows) };
  }

  /**
   * Begins the topic epoch after `previous`: from now on offsets mean other events.
   * @returns the current topic epoch; not `previous` + 1 if somebody else was faster
   * @throws StoreError
   */
  async beginStream(previous: number): Promise<number> {
    try {
      await this.#mongo(() =>
        this.#rows.updateOne(
          { _id: STREAM, ...(previous === 0 ? { current: { $exists: false } } : { current: previous }) },
          { $set: { current: previous + 1 } },
          { upsert: true },
        ),
      );
    } catch (thrown) {
      // The row is there and names another topic epoch than `previous`.
      if (!isDuplicateKey(thrown)) throw thrown;
    }
    return this.currentStream();
  }

  async #all(): Promise<ProgressRow[]> {
    return this.#mongo(() => this.#rows.find({}).toArray());
  }

  async #some(ids: string[]): Promise<ProgressRow[]> {
    return this.#mongo(() => this.#rows.find({ _id: { $in: ids } }).toArray());
  }

  /**
   * In the order of their ids, so that concurrent updates take their locks in one order and never deadlock.
   * @returns for each one whether all of them found their rows
   */
  async #update(updates: readonly Update[]): Promise<boolean[]> {
    if (updates.length === 0) return [];
    const writes = updates
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, update, erasures }) => ({
        updateOne:
          erasures === undefined
            ? { filter: { _id: id }, update, upsert: true }
            : { filter: { _id: id, erasures }, update },
      }));
    const write = () => this.#mongo(() => this.#rows.bulkWrite(writes, { ordered: false }));
    let written: Awaited<ReturnType<typeof write>>;
    try {
      written = await write();
    } catch (thrown) {
      // Two first upserts of one id: the second try finds the other's row and updates it.
      if (!isDuplicateKey(thrown)) throw thrown;
      written = await write();
    }
    return Array(updates.length).fill(written.matchedCount === updates.length);
  }
}

/** Raises values in the rows of partitions that are less. */
function raises(
  stream: number,
  partitions: readonly number[],
  to: Pick<ProgressRow, 'stored' | 'as_of'>,
): Update[] {
  return partitions.map((partition) => ({ id: partitionId(stream, partition), update: { $max: to } }));
}

function asOfOf(rows: readonly ProgressRow[], stream: number): number | undefined {
  const times = rowsOf(rows, stream).map(([, { as_of }]) => as_of?.getTime());
  if (times.length === 0 || times.includes(undefined)) return undefined;
  return Math.min(...(times as number[]));
}

function rowsOf(rows: readonly ProgressRow[], stream: number): [partition: number, row: ProgressRow][] {
  const prefix = partitionId(stream, 0).slice(0, -1);
  return rows
    .filter(({ _id }) => _id.startsWith(prefix))
    .map((row) => [Number(row._id.slice(prefix.length)), row]);
}

function currentOf(rows: readonly ProgressRow[]): number {
  return rows.find(({ _id }) => _id === STREAM)?.current ?? 0;
}

function isTold(rows: readonly ProgressRow[]): boolean {
  const version = rows.find(({ _id }) => _id === ERASURES)?.version ?? 0;
  return rows.every(({ _id, erasures = -1 }) => !_id.includes(':') || erasures >= version);
}

function storedOf(rows: readonly ProgressRow[]): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const { _id, stored = NOTHING } of rows) if (stored > NOTHING) offsets.set(_id, stored);
  return offsets;
}
