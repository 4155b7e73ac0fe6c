import { DAY_MS, type DayTally, type Range, type Tally } from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import type { CallRow } from './call-row.ts';
import type { MongoCall } from './mongo-call.ts';
import { type OffsetVector, partitionId } from './progress.ts';

/** One user's calls of one UTC day whose sources lie in one partition. */
export interface PartitionDayTally extends Tally {
  userId: string;
  day: number;
  stream: number;
  partition: number;
  /** Epoch ms of the latest start among them. */
  lastStartedAt: number;
  /** The highest offset of their sources. */
  lastOffset: number;
}

/** By `started_at` and not by `day`, which is not in the index. */
const DAY_OF_START = { $floor: { $divide: [{ $subtract: ['$started_at', new Date(0)] }, DAY_MS] } };

const EVER: Range = { from: -Infinity, until: Infinity };

/** Nearly always enough for one reply: on some servers a second one costs as much as the whole aggregation. */
const REPLY_GROUPS = 100_000;

/** Sums over the rows of `calls`, with read concern majority. */
export class Tallies {
  readonly #rows: Collection<CallRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<CallRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /**
   * A tally for each of some ranges, which may overlap, in one aggregation.
   * @param through counts only rows whose source lies at or below its partition's offset
   * @throws StoreError
   */
  async sumByRange(userId: string, ranges: readonly Range[], through?: OffsetVector): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    // All ends together cut time into pieces, and each row belongs to one of them. To compare it with every range costs
    // twice as much, and more with each range.
    const ends = [...new Set(ranges.flatMap(({ from, until }) => [from, until]))].sort((a, b) => a - b);
    const branches = ends.slice(1, -1).map((end, piece) => ({
      case: { $lt: ['$started_at', new Date(end)] },
      // biome-ignore lint/suspicious/noThenProperty: Mongo’s name for it
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
   * A tally for each UTC day within some ranges, in one aggregation and in no order. Days without calls are left out.
   * @param through as in `sumByRange`
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
   * A tally for each user, UTC day and partition: counters are filled from these.
   * @param through as in `sumByRange`
   * @param bounds.range only calls that start within it; either end may be infinite
   * @param bounds.timeoutMs when Mongo gives up, if that is earlier than for every call
   * @throws StoreError
   */
  async sumByDayAndPartition(
    userIds: readonly string[],
    through: OffsetVector,
    { range = EVER, timeoutMs }: { range?: Range; timeoutMs?: number } = {},
  ): Promise<PartitionDayTally[]> {
    if (userIds.length === 0 || through.size === 0) return [];
    const rows = { user_id: userIds.length === 1 ? userIds[0] : { $in: userIds }, ...startsIn(range) };
    // Few rows lie beyond `through`, and checking each row costs a third of the sum.
    const all = await this.#sumByDay(rows, timeoutMs);
    const isBeyond = (tally: PartitionDayTally) =>
      tally.lastOffset > (through.get(partitionId(tally.stream, tally.partition)) ?? -1);
    return all.some(isBeyond) ? this.#sumByDay({ ...rows, ...anyOf(upTo(through)) }, timeoutMs) : all;
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

  /** Whether any call of a user starts before a time, epoch ms. @throws StoreError */
  async startsBefore(userId: string, beforeMs: number): Promise<boolean> {
    const older = { user_id: userId, started_at: { $lt: new Date(beforeMs) } };
    // Unsorted: some servers would sort all older rows.
    const options = { projection: { _id: 1 }, limit: 1 };
    const found = await this.#mongo((limits) => this.#rows.find(older, { ...options, ...limits }).toArray());
    return found.length > 0;
  }

  #aggregate(pipeline: Document[], timeoutMs = Infinity): Promise<Document[]> {
    return this.#mongo(({ signal, maxTimeMS }) => {
      const options = { batchSize: REPLY_GROUPS, signal, maxTimeMS: Math.min(timeoutMs, maxTimeMS) };
      return this.#rows.aggregate(pipeline, options).toArray();
    });
  }
}

function startsWithin(userId: string, ranges: readonly Range[], through: OffsetVector | undefined): Document {
  const clauses = [anyOf(ranges.map(startsIn))];
  if (through !== undefined) clauses.push(anyOf(upTo(through)));
  return { user_id: userId, $and: clauses };
}

/** The same time as ranges that do not overlap. */
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

function upTo(through: OffsetVector): Document[] {
  return [...through].map(([key, offset]) => {
    const [stream, partition] = key.split(':').map(Number);
    return { 'source.stream': stream, 'source.partition': partition, 'source.offset': { $lte: offset } };
  });
}

function anyOf(clauses: Document[]): Document {
  // No clause matches nothing, and $or refuses an empty list.
  if (clauses.length === 0) return { _id: { $in: [] } };
  return clauses.length === 1 ? clauses[0]! : { $or: clauses };
}
