import { DAY_MS, type DayTally, type Range, type Tally } from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import { type OffsetVector, partitionId } from './progress.ts';
import type { CallRow } from './rows.ts';
import type { WithTimeout } from './with-timeout.ts';

/** A user's calls of one UTC day that came by one partition. */
export interface PartitionDayTally extends Tally {
  userId: string;
  day: number;
  stream: number;
  partition: number;
  /** Epoch ms of the latest start among them. */
  lastStartedAt: number;
  /** The highest offset of the events that brought them. */
  lastOffset: number;
}

/** From `started_at` and not from `day`, which the index does not hold. */
const DAY_OF_START = { $floor: { $divide: [{ $subtract: ['$started_at', new Date(0)] }, DAY_MS] } };

const EVER: Range = { from: -Infinity, until: Infinity };

/** All in the first reply, or nearly: on some servers a second one costs as much as the whole aggregation. */
const GROUPS_A_BATCH = 100_000;

/** Sums over `calls`, with read concern majority. */
export class Tallies {
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
   * A user's calls in each of some ranges, in one aggregation; ranges may overlap.
   * @param through counts only rows whose event lies at or below the cut's offset of its partition
   * @throws StoreError
   */
  async sumByRange(userId: string, ranges: readonly Range[], through?: OffsetVector): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    // Each row is sorted into one of the pieces that all ends cut time into: to hold it against every range costs twice
    // as much, and more with each range.
    const ends = [...new Set(ranges.flatMap(({ from, until }) => [from, until]))].sort((a, b) => a - b);
    const branches = ends.slice(1, -1).map((end, piece) => ({
      case: { $lt: ['$started_at', new Date(end)] },
      // biome-ignore lint/suspicious/noThenProperty: what Mongo calls it
      then: piece,
    }));
    const piece = branches.length === 0 ? null : { $switch: { branches, default: branches.length } };
    const found = await this.#aggregate([
      { $match: startsWithin(userId, unionOf(ranges), through) },
      { $group: { _id: piece, calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } } },
    ]);
    return ranges.map(({ from, until }) => {
      const tally = { calls: 0, durationMs: 0 };
      for (const { _id, calls, duration } of found) {
        const at = Number(_id ?? 0);
        if (from > ends[at]! || ends[at + 1]! > until) continue;
        tally.calls += Number(calls);
        tally.durationMs += Number(duration);
      }
      return tally;
    });
  }

  /**
   * A user's calls within some ranges by UTC day, in one aggregation and in no order; days without a call are left out.
   * @param through counts only rows whose event lies at or below the cut's offset of its partition
   * @throws StoreError
   */
  async sumByDay(userId: string, ranges: readonly Range[], through?: OffsetVector): Promise<DayTally[]> {
    if (ranges.length === 0) return [];
    const group = { _id: DAY_OF_START, calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } };
    const found = await this.#aggregate([
      { $match: startsWithin(userId, ranges, through) },
      { $group: group },
    ]);
    return found.map(({ _id, calls, duration }) => ({
      day: Number(_id),
      calls: Number(calls),
      durationMs: Number(duration),
    }));
  }

  /**
   * The calls of some users by UTC day and partition: what counters are made from.
   * @param through counts only rows whose event lies at or below the cut's offset of its partition
   * @param bounds.range only calls that start within it; either end may be infinite
   * @param bounds.timeoutMs Mongo gives up after so long, where that is shorter than what bounds every call
   * @throws StoreError
   */
  async sumByDayAndPartition(
    userIds: readonly string[],
    through: OffsetVector,
    { range = EVER, timeoutMs }: { range?: Range; timeoutMs?: number } = {},
  ): Promise<PartitionDayTally[]> {
    if (userIds.length === 0 || through.size === 0) return [];
    const rows = { user_id: userIds.length === 1 ? userIds[0] : { $in: userIds }, ...startsIn(range) };
    // Hardly a row lies beyond the cut, and to look at each costs a third of the sum.
    const all = await this.#sumByDay(rows, timeoutMs);
    const isBeyond = (tally: PartitionDayTally) =>
      tally.lastOffset > (through.get(partitionId(tally.stream, tally.partition)) ?? -1);
    return all.some(isBeyond) ? this.#sumByDay({ ...rows, ...anyOf(cutClauses(through)) }, timeoutMs) : all;
  }

  async #sumByDay(rows: Document, timeoutMs: number | undefined): Promise<PartitionDayTally[]> {
    const group = {
      _id: { u: '$user_id', d: '$day', s: '$source.stream', p: '$source.partition' },
      calls: { $sum: 1 },
      duration: { $sum: '$duration_ms' },
      last: { $max: '$started_at' },
      offset: { $max: '$source.offset' },
    };
    const found = await this.#aggregate([{ $match: rows }, { $group: group }], timeoutMs);
    return found.map(({ _id, calls, duration, last, offset }) => ({
      userId: _id.u,
      day: _id.d,
      stream: _id.s,
      partition: _id.p,
      calls: Number(calls),
      durationMs: Number(duration),
      lastStartedAt: (last as Date).getTime(),
      lastOffset: Number(offset),
    }));
  }

  /** Whether a call of a user's starts before a time, epoch ms. @throws StoreError */
  async startsBefore(userId: string, beforeMs: number): Promise<boolean> {
    const older = { user_id: userId, started_at: { $lt: new Date(beforeMs) } };
    // Unsorted: some servers sort all that is older.
    const options = { projection: { _id: 1 }, limit: 1, maxTimeMS: this.#maxTimeMs };
    return (
      (await this.#withTimeout((signal) => this.#rows.find(older, { ...options, signal }).toArray())).length >
      0
    );
  }

  /** What Mongo is not done with within the time limit it gives up: else it would work on for nobody. */
  async #aggregate(pipeline: Document[], timeoutMs = this.#maxTimeMs): Promise<Document[]> {
    const options = { batchSize: GROUPS_A_BATCH, maxTimeMS: Math.min(timeoutMs, this.#maxTimeMs) };
    return this.#withTimeout((signal) => this.#rows.aggregate(pipeline, { ...options, signal }).toArray());
  }
}

function startsWithin(userId: string, ranges: readonly Range[], through: OffsetVector | undefined): Document {
  const clauses = [anyOf(ranges.map(startsIn))];
  if (through !== undefined) clauses.push(anyOf(cutClauses(through)));
  return { user_id: userId, $and: clauses };
}

/** The same time in as few ranges as can be. */
function unionOf(ranges: readonly Range[]): Range[] {
  const union: Range[] = [];
  for (const { from, until } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = union.at(-1);
    if (last === undefined || from > last.until) union.push({ from, until });
    else last.until = Math.max(last.until, until);
  }
  return union;
}

function startsIn({ from, until }: Range): Document {
  const start: Document = {};
  if (from !== -Infinity) start.$gte = new Date(from);
  if (until !== Infinity) start.$lt = new Date(until);
  return Object.keys(start).length === 0 ? {} : { started_at: start };
}

function cutClauses(cut: OffsetVector): Document[] {
  return [...cut].map(([key, offset]) => {
    const [stream, partition] = key.split(':').map(Number);
    return { 'source.stream': stream, 'source.partition': partition, 'source.offset': { $lte: offset } };
  });
}

function anyOf(clauses: Document[]): Document {
  // An empty cut lets nothing through, and $or refuses an empty list.
  if (clauses.length === 0) return { _id: { $in: [] } };
  return clauses.length === 1 ? clauses[0]! : { $or: clauses };
}
