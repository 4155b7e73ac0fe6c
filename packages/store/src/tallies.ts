import {
  type CellFilter,
  type CellTally,
  DIMENSIONS,
  type Dimension,
  type DurationBin,
  type DurationCount,
  dayOfHalfHour,
  HALF_HOUR_SLOTS,
  type Range,
  type Slots,
  type SlotTally,
  startOfDay,
  type Tally,
} from '@calltally/domain';
import type { Collection, Document } from 'mongodb';
import type { CallRow } from './call-row.ts';
import { type CorrectionRow, withNeedsMet } from './corrections.ts';
import type { MongoCall } from './mongo-call.ts';
import { listsOf, type PartitionDayTally, talliesOfLists } from './partition-day-tally.ts';
import { type OffsetVector, partitionId, upTo } from './progress.ts';
import {
  type Addend,
  anyOf,
  CORRECTED,
  cellGroup,
  cellOfGroup,
  durationBin,
  durationOf,
  endsOf,
  holdsPiece,
  pieceOf,
  ROWS,
  slotOfStart,
  startOf,
  startsIn,
  startsWithin,
  sumsOf,
  unionOf,
} from './tally-stages.ts';

/** The calls of a cell, or of what a breakdown keeps of it, that start in one of the ranges asked for. */
export interface CellRangeTally extends CellTally {
  /** Its index. */
  range: number;
}

/** Calls of a bin of durations. */
export interface DurationBinTally extends DurationBin {
  /** How many rows and sides of corrections they were counted from. It never falls: the same number are the same ones. */
  events: number;
}

/** Calls of one duration. */
export interface DurationTally extends DurationCount {
  /** As of `DurationBinTally`. */
  events: number;
}

/** Which events count. */
export interface Cut {
  /** Rows whose source lies at or below; undefined: all. */
  rows: OffsetVector | undefined;
  /** Corrections whose source and needs lie at or below; undefined: there are none. */
  corrections: OffsetVector | undefined;
}

/** A cut, or how to learn it just before the sum. */
export type CutOrAsk = Cut | (() => Promise<Cut>);

export function cutAt(through: OffsetVector): Cut {
  return { rows: through, corrections: through };
}

/** What `sumByDayAndPartition` sums, and how. */
export interface DayBounds {
  /** Only calls that start within it; either end may be infinite. */
  range?: Range;
  /** When Mongo gives up each sum, if that is earlier than for every call. */
  timeoutMs?: number | undefined;
  /**
   * Also for each cell; and behind these the same calls again by half-hour, from this UTC day on. Both at once would be as
   * many as there are calls.
   */
  detailFrom?: number | undefined;
  /** If there are few rows, reads them and sums them here. That takes the server a fraction of the time. */
  readsFew?: boolean;
}

const EVER: Range = { from: -Infinity, until: Infinity };

/** In one document, which may have 16 MiB. With the longest labels a row takes 1.6 KB of it. */
const FEW_ROWS = 10_000;

/** Nearly always enough for one reply: on some servers a second one costs as much as the whole aggregation. */
const REPLY_GROUPS = 100_000;

/** Sums over `calls` and `corrections`, with read concern majority. */
export class Tallies {
  readonly #rows: Collection<CallRow>;
  readonly #corrections: Collection<CorrectionRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<CallRow>, corrections: Collection<CorrectionRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#corrections = corrections;
    this.#mongo = mongo;
  }

  /**
   * A tally for each of some ranges, which may overlap, in one aggregation.
   * @param filter which calls count. With it the index does not have all that is needed
   * @throws StoreError
   */
  async sumByRange(
    userId: string,
    ranges: readonly Range[],
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<Tally[]> {
    if (ranges.length === 0) return [];
    const ends = endsOf(ranges);
    const union = unionOf(ranges);
    const found = await this.#sum(
      cut,
      (addend) => startsWithin(userId, union, addend, filter),
      (addend) => ({ _id: pieceOf(ends, addend), ...sumsOf(addend) }),
    );
    return ranges.map((range) => {
      const tally = { calls: 0, durationMs: 0 };
      for (const { _id, calls, duration } of found) {
        if (!holdsPiece(range, ends, _id)) continue;
        tally.calls += Number(calls);
        tally.durationMs += Number(duration);
      }
      return tally;
    });
  }

  /**
   * Tallies of slots within each of some ranges, which may overlap, in one aggregation and in no order: one for each slot
   * with calls, and others where another range cuts the slot, and for what corrections change.
   * @throws StoreError
   */
  async sumBySlot(
    userId: string,
    ranges: readonly Range[],
    slots: Slots,
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<SlotTally[][]> {
    if (ranges.length === 0) return [];
    const ends = endsOf(ranges);
    const union = unionOf(ranges);
    const found = await this.#sum(
      cut,
      (addend) => startsWithin(userId, union, addend, filter),
      (addend) => ({ _id: { s: slotOfStart(addend, slots), r: pieceOf(ends, addend) }, ...sumsOf(addend) }),
    );
    return ranges.map((range) =>
      found
        .filter(({ _id }) => holdsPiece(range, ends, _id.r))
        .map(({ _id, calls, duration }) => ({
          slot: Number(_id.s),
          calls: Number(calls),
          durationMs: Number(duration),
        })),
    );
  }

  /**
   * Tallies of cells within some ranges, which do not overlap, in one aggregation and in no order: one for each range and
   * cell with calls, and others for what corrections change.
   * @param by what to keep of a cell
   * @throws StoreError
   */
  async sumByCell(
    userId: string,
    ranges: readonly Range[],
    cut: CutOrAsk,
    by: readonly Dimension[] = DIMENSIONS,
    filter: CellFilter = {},
  ): Promise<CellRangeTally[]> {
    if (ranges.length === 0) return [];
    const ends = ranges.flatMap(({ from, until }) => [from, until]);
    const found = await this.#sum(
      cut,
      (addend) => startsWithin(userId, ranges, addend, filter),
      (addend) => ({ _id: { r: pieceOf(ends, addend), ...cellGroup(by, addend) }, ...sumsOf(addend) }),
    );
    return found.map(({ _id, calls, duration }) => ({
      range: Number(_id.r ?? 0) / 2,
      cell: cellOfGroup(_id),
      calls: Number(calls),
      durationMs: Number(duration),
    }));
  }

  /**
   * Tallies of a range by bin of durations (`durationBinOf`), in no order: one for each bin with calls, and others for what
   * corrections change.
   * @throws StoreError
   */
  async durationBins(
    userId: string,
    range: Range,
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<DurationBinTally[]> {
    const found = await this.#sum(
      cut,
      (addend) => startsWithin(userId, [range], addend, filter),
      (addend) => ({ _id: durationBin(addend), ...sumsOf(addend), events: { $sum: 1 } }),
    );
    return found.map(({ _id, calls, duration, events }) => ({
      bin: Number(_id),
      calls: Number(calls),
      durationMs: Number(duration),
      events: Number(events),
    }));
  }

  /**
   * Tallies of a range by duration, in no order, of some bins alone: one for each duration with calls, and others for what
   * corrections change.
   * @throws StoreError
   */
  async durationsOfBins(
    userId: string,
    range: Range,
    bins: readonly number[],
    cut: CutOrAsk,
    filter: CellFilter = {},
  ): Promise<DurationTally[]> {
    const found = await this.#sum(
      cut,
      // By the bin: on some servers an $or of ranges takes up to twice as long.
      (addend) => ({
        ...startsWithin(userId, [range], addend, filter),
        $expr: { $in: [durationBin(addend), bins] },
      }),
      (addend) => ({
        _id: durationOf(addend),
        calls: { $sum: addend.sign },
        events: { $sum: 1 },
      }),
    );
    return found.map(({ _id, calls, events }) => ({
      durationMs: Number(_id),
      calls: Number(calls),
      events: Number(events),
    }));
  }

  /**
   * Tallies for each user, UTC day and partition: counters are filled from these.
   * @throws StoreError
   */
  async sumByDayAndPartition(
    userIds: readonly string[],
    through: OffsetVector,
    bounds: DayBounds = {},
  ): Promise<PartitionDayTally[]> {
    if (userIds.length === 0 || through.size === 0) return [];
    const few = bounds.readsFew ? await this.#sumFew(userIds, through, bounds) : undefined;
    if (few !== undefined) return few;
    const { range = EVER, timeoutMs, detailFrom } = bounds;
    if (detailFrom === undefined) return this.#sumThrough(userIds, through, 'day', range, timeoutMs);
    const byCell = await this.#sumThrough(userIds, through, 'cell', range, timeoutMs);
    const recent = { from: Math.max(range.from, startOfDay(detailFrom)), until: range.until };
    if (recent.from >= recent.until) return byCell;
    return [...byCell, ...(await this.#sumThrough(userIds, through, 'half-hour', recent, timeoutMs))];
  }

  /** Reads what is to be summed. @returns undefined if that is more than a few rows */
  async #sumFew(
    userIds: readonly string[],
    through: OffsetVector,
    { range = EVER, timeoutMs, detailFrom }: DayBounds,
  ): Promise<PartitionDayTally[] | undefined> {
    const lists = await this.#sum(
      { rows: undefined, corrections: through },
      (addend) => ({ user_id: oneOf(userIds), ...startsIn(range, addend) }),
      listsOf,
      { timeoutMs, rowsMax: FEW_ROWS + 1 },
    );
    const rows = lists.reduce((sum, list) => sum + list.rows.length, 0);
    return rows > FEW_ROWS ? undefined : talliesOfLists(lists, through, detailFrom);
  }

  async #sumThrough(
    userIds: readonly string[],
    through: OffsetVector,
    by: 'day' | 'cell' | 'half-hour',
    range: Range,
    timeoutMs: number | undefined,
  ): Promise<PartitionDayTally[]> {
    const sum = (cut: Cut) => this.#sumByDayAndPartition(userIds, cut, by, range, timeoutMs);
    // Few rows lie beyond `through`, and checking each row costs a third of the sum.
    const all = await sum({ rows: undefined, corrections: through });
    const isBeyond = (tally: PartitionDayTally) =>
      tally.lastOffset > (through.get(partitionId(tally.stream, tally.partition)) ?? -1);
    return all.some(isBeyond) ? sum(cutAt(through)) : all;
  }

  async #sumByDayAndPartition(
    userIds: readonly string[],
    cut: Cut,
    by: 'day' | 'cell' | 'half-hour',
    range: Range,
    timeoutMs: number | undefined,
  ): Promise<PartitionDayTally[]> {
    const found = await this.#sum(
      cut,
      (addend) => ({ user_id: oneOf(userIds), ...startsIn(range, addend) }),
      (addend) => ({
        _id: {
          u: '$user_id',
          s: '$source.stream',
          p: '$source.partition',
          ...(by === 'half-hour'
            ? { h: slotOfStart(addend, HALF_HOUR_SLOTS) }
            : { d: `$${addend.prefix}day`, ...(by === 'cell' && cellGroup(DIMENSIONS, addend)) }),
        },
        ...sumsOf(addend),
        offset: { $max: '$source.offset' },
        // Known by then of half-hours, and each field takes its time.
        ...(by !== 'half-hour' && { last: { $max: startOf(addend) }, from: { $max: addend.prefix } }),
      }),
      { timeoutMs },
    );
    return found.map(({ _id, calls, duration, last, offset, from }) => ({
      userId: _id.u,
      day: by === 'half-hour' ? dayOfHalfHour(Number(_id.h)) : _id.d,
      stream: _id.s,
      partition: _id.p,
      calls: Number(calls),
      durationMs: Number(duration),
      lastStartedAt: by === 'half-hour' || from === 'minus.' ? -1 : (last as Date).getTime(),
      lastOffset: Number(offset),
      isCorrection: by !== 'half-hour' && from !== ROWS.prefix,
      ...(by === 'cell' && { cell: cellOfGroup(_id) }),
      ...(by === 'half-hour' && { halfHour: Number(_id.h) }),
    }));
  }

  /** Whether any call of a user starts before a time, epoch ms, or did until it was corrected. @throws StoreError */
  async startsBefore(userId: string, beforeMs: number): Promise<boolean> {
    const before = { $lt: new Date(beforeMs) };
    // Unsorted: some servers would sort all older rows.
    const options = { projection: { _id: 1 }, limit: 1 };
    const found = await this.#mongo((limits) =>
      Promise.all([
        this.#rows.find({ user_id: userId, started_at: before }, { ...options, ...limits }).toArray(),
        this.#corrections
          .find({ user_id: userId, 'plus.started_at': before }, { ...options, ...limits })
          .toArray(),
      ]),
    );
    return found.some(({ length }) => length > 0);
  }

  /**
   * Groups of rows, and of what corrections add and take away, in one command. So a correction is in it as a whole.
   * @param matchOf,groupOf give the stages of rows or of one side of corrections
   * @param limits.rowsMax how many rows are read, and how many of each side of corrections; default: all
   */
  async #sum(
    cut: CutOrAsk,
    matchOf: (addend: Addend) => Document,
    groupOf: (addend: Addend) => Document,
    { timeoutMs = Infinity, rowsMax }: { timeoutMs?: number | undefined; rowsMax?: number } = {},
  ): Promise<Document[]> {
    const stages = (addend: Addend, through: OffsetVector | undefined, more: Document = {}) => [
      { $match: { ...matchOf(addend), ...(through && { $and: [anyOf(upTo(through)), more] }) } },
      ...(rowsMax === undefined ? [] : [{ $limit: rowsMax }]),
      { $group: groupOf(addend) },
    ];
    const { rows, corrections } = typeof cut === 'function' ? await cut() : cut;
    const pipeline: Document[] = stages(ROWS, rows);
    if (corrections !== undefined) {
      for (const addend of CORRECTED) {
        const stagesOfCorrections = stages(addend, corrections, withNeedsMet(corrections));
        pipeline.push({
          $unionWith: { coll: this.#corrections.collectionName, pipeline: stagesOfCorrections },
        });
      }
    }
    return this.#mongo(({ signal, maxTimeMS }) => {
      const options = { batchSize: REPLY_GROUPS, signal, maxTimeMS: Math.min(timeoutMs, maxTimeMS) };
      return this.#rows.aggregate(pipeline, options).toArray();
    });
  }
}

function oneOf(userIds: readonly string[]): Document | string {
  return userIds.length === 1 ? userIds[0]! : { $in: userIds };
}
