import { type Cell, dayOf, halfHourOf, type Tally } from '@calltally/domain';
import type { Document } from 'mongodb';
import { type OffsetVector, partitionId } from './progress.ts';
import { type Addend, cellOfGroup, durationOf, labelsOf, ROWS, startOf } from './tally-stages.ts';

/**
 * One user's calls of one UTC day whose sources lie in one partition; or what corrections that came by it add to the day,
 * or take away: then the numbers are negative.
 */
export interface PartitionDayTally extends Tally {
  userId: string;
  day: number;
  stream: number;
  partition: number;
  /** Epoch ms of the latest start among them; -1 for what is taken away, and by half-hour. */
  lastStartedAt: number;
  /** The highest offset of their sources. */
  lastOffset: number;
  /** False by half-hour. */
  isCorrection: boolean;
  /** Only with detail, if they are the calls of one cell. */
  cell?: Cell;
  /** Only with detail, if they are those of one half-hour, which count in a day's tallies, too. */
  halfHour?: number;
}

/** In no label. */
const SEPARATOR = '\u001f';

/** A row, or one side of a correction. A label that was not given is missing or null. */
interface ListedRow {
  at: Date;
  ms: number;
  offset: number;
  a?: string | null;
  l?: string | null;
  t?: string | null;
}

/** A group for `talliesOfLists`: what is to be summed of a user and a partition, as a list. */
export function listsOf(addend: Addend): Document {
  // Documents, because MongoDB takes a list here for several operands, and refuses it.
  const row = { at: startOf(addend), ms: durationOf(addend), offset: '$source.offset', ...labelsOf(addend) };
  return {
    _id: { u: '$user_id', s: '$source.stream', p: '$source.partition', from: addend.prefix },
    rows: { $push: row },
  };
}

/**
 * Sums of what lies at or below `through`.
 * @param detailFrom if given, by cell, and behind these, from this UTC day on, by half-hour; else by day
 */
export function talliesOfLists(
  lists: readonly Document[],
  through: OffsetVector,
  detailFrom: number | undefined,
): PartitionDayTally[] {
  const byDay: PartitionDayTally[] = [];
  const byHalfHour: PartitionDayTally[] = [];
  for (const { _id, rows } of lists) {
    const { u: userId, s: stream, p: partition, from } = _id;
    const highest = through.get(partitionId(stream, partition)) ?? -1;
    const sign = from === 'minus.' ? -1 : 1;
    const isCorrection = from !== ROWS.prefix;
    const ofDays = new Map<string, PartitionDayTally>();
    const ofHalfHours = new Map<number, PartitionDayTally>();
    for (const row of rows as ListedRow[]) {
      const { at, ms, offset } = row;
      if (offset > highest) continue;
      const startedAt = at.getTime();
      const lastStartedAt = sign === 1 ? startedAt : -1;
      const durationMs = sign === 1 ? ms : 0 - ms;
      const day = dayOf(startedAt);
      const key = detailFrom === undefined ? `${day}` : `${day} ${labelsKey(row)}`;
      const ofDay = ofDays.get(key);
      if (ofDay === undefined) {
        // Not from a common object with zeros: V8 takes several times as long for objects whose small numbers become large.
        const tally: PartitionDayTally = {
          userId,
          day,
          stream,
          partition,
          calls: sign,
          durationMs,
          lastStartedAt,
          lastOffset: offset,
          isCorrection,
        };
        if (detailFrom !== undefined) tally.cell = cellOfGroup(row);
        ofDays.set(key, tally);
        byDay.push(tally);
      } else {
        add(ofDay, sign, durationMs, offset);
        ofDay.lastStartedAt = Math.max(ofDay.lastStartedAt, lastStartedAt);
      }
      if (detailFrom === undefined || day < detailFrom) continue;
      const halfHour = halfHourOf(startedAt);
      const ofHalfHour = ofHalfHours.get(halfHour);
      if (ofHalfHour === undefined) {
        const tally: PartitionDayTally = {
          userId,
          day,
          stream,
          partition,
          calls: sign,
          durationMs,
          lastStartedAt: -1,
          lastOffset: offset,
          isCorrection: false,
          halfHour,
        };
        ofHalfHours.set(halfHour, tally);
        byHalfHour.push(tally);
      } else add(ofHalfHour, sign, durationMs, offset);
    }
  }
  return [...byDay, ...byHalfHour];
}

function labelsKey({ a, l, t }: ListedRow): string {
  return `${a ?? ''}${SEPARATOR}${l ?? ''}${SEPARATOR}${t ?? ''}`;
}

function add(tally: PartitionDayTally, calls: number, durationMs: number, offset: number): void {
  tally.calls += calls;
  tally.durationMs += durationMs;
  tally.lastOffset = Math.max(tally.lastOffset, offset);
}
