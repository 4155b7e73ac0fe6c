import { DAY_MS, type DayTally, type Range, type Tally } from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import type { Limited } from './limited.ts';
import type { Cut } from './progress.ts';
import type { CallRow } from './rows.ts';

/** A user's calls of one UTC day that came by one partition. */
export interface DailyTally extends Tally {
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

/** All in the first reply, or nearly: on some servers a second one costs as much as the whole aggregation. */
const GROUPS_A_BATCH = 100_000;

/** Sums over `calls`, with read concern majority. */
export class Tallies {
  readonly #rows: Collection<CallRow>;
  readonly #limited: Limited;

  constructor(rows: Collection<CallRow>, limited: Limited) {
    this.#rows = rows;
    this.#limited = limited;
  }

  /**
   * A user's calls in each of some ranges, in one aggregation; ranges may overlap.
   * @param through counts only rows whose event lies at or below the cut's offset of its partition
   * @throws StoreError
   */
  async ofRanges(userId: string, ranges: readonly Range[], through?: Cut): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    const sums: Document = { _id: null };
    ranges.forEach((range, i) => {
      const within = {
        $and: [
          { $gte: ['$started_at', new Date(range.from)] },
          { $lt: ['$started_at', new Date(range.until)] },
        ],
      };
      // With one range the match has done all the work.
      sums[`calls${i}`] = ranges.length === 1 ? { $sum: 1 } : { $sum: { $cond: [within, 1, 0] } };
      sums[`duration${i}`] =
        ranges.length === 1 ? { $sum: '$duration_ms' } : { $sum: { $cond: [within, '$duration_ms', 0] } };
    });
    const [found] = await this.#aggregate([
      { $match: startsWithin(userId, ranges, through) },
      { $group: sums },
    ]);
    return ranges.map((_, i) => ({
      calls: Number(found?.[`calls${i}`] ?? 0),
      durationMs: Number(found?.[`duration${i}`] ?? 0),
    }));
  }

  /**
   * A user's calls within some ranges by UTC day, in one aggregation and in no order; days without a call are left out.
   * @param through counts only rows whose event lies at or below the cut's offset of its partition
   * @throws StoreError
   */
  async ofDays(userId: string, ranges: readonly Range[], through?: Cut): Promise<DayTally[]> {
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
   * @param bounds.rowsMax Mongo stops behind so many rows
   * @param bounds.timeoutMs Mongo gives up after so long, if that is shorter than what bounds every call
   * @returns undefined where there are more than `rowsMax` rows
   * @throws StoreError
   */
  async byDay(userIds: readonly string[], through: Cut): Promise<DailyTally[]>;
  async byDay(
    userIds: readonly string[],
    through: Cut,
    bounds: { range: Range; rowsMax: number; timeoutMs: number },
  ): Promise<DailyTally[] | undefined>;
  async byDay(
    userIds: readonly string[],
    through: Cut,
    bounds?: { range: Range; rowsMax: number; timeoutMs: number },
  ): Promise<DailyTally[] | undefined> {
    if (userIds.length === 0 || through.size === 0) return [];
    const user = userIds.length === 1 ? userIds[0] : { $in: userIds };
    const started = bounds === undefined ? {} : startsIn(bounds.range);
    const isBounded = bounds !== undefined && Number.isFinite(bounds.rowsMax);
    const pipeline = [
      { $match: { user_id: user, ...started, ...anyOf(cutClauses(through)) } },
      ...(isBounded ? [{ $limit: bounds.rowsMax + 1 }] : []),
      {
        $group: {
          _id: { u: '$user_id', d: '$day', s: '$source.stream', p: '$source.partition' },
          calls: { $sum: 1 },
          duration: { $sum: '$duration_ms' },
          last: { $max: '$started_at' },
          offset: { $max: '$source.offset' },
        },
      },
    ];
    const found = await this.#aggregate(pipeline, bounds?.timeoutMs);
    if (isBounded && found.reduce((sum, { calls }) => sum + Number(calls), 0) > bounds.rowsMax)
      return undefined;
    return found.map((group) => ({
      userId: group._id.u,
      day: group._id.d,
      stream: group._id.s,
      partition: group._id.p,
      calls: Number(group.calls),
      durationMs: Number(group.duration),
      lastStartedAt: (group.last as Date).getTime(),
      lastOffset: Number(group.offset),
    }));
  }

  /** When a user's first call started, epoch ms; undefined without a call. @throws StoreError */
  async firstStart(userId: string): Promise<number | undefined> {
    const [first] = await this.#limited(() =>
      this.#rows
        .find({ user_id: userId }, { projection: { _id: 0, started_at: 1 } })
        .sort({ user_id: 1, started_at: 1 })
        .limit(1)
        .toArray(),
    );
    return first?.started_at.getTime();
  }

  async #aggregate(pipeline: Document[], timeoutMs?: number): Promise<Document[]> {
    const options = { batchSize: GROUPS_A_BATCH, ...(timeoutMs !== undefined && { maxTimeMS: timeoutMs }) };
    return this.#limited(() => this.#rows.aggregate(pipeline, options).toArray());
  }
}

function startsWithin(userId: string, ranges: readonly Range[], through: Cut | undefined): Document {
  const clauses = [anyOf(ranges.map(startsIn))];
  if (through !== undefined) clauses.push(anyOf(cutClauses(through)));
  return { user_id: userId, $and: clauses };
}

function startsIn({ from, until }: Range): Document {
  const start: Document = {};
  if (from !== -Infinity) start.$gte = new Date(from);
  if (until !== Infinity) start.$lt = new Date(until);
  return Object.keys(start).length === 0 ? {} : { started_at: start };
}

function cutClauses(cut: Cut): Document[] {
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
