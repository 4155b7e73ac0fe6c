import { type Cell, dayOf, halfHourOf, type Tally } from '@calltally/domain';
import type { Document } from 'mongodb';
import { type OffsetVector, partitionId } from './progress.ts';
import { type Addend, cellOfLabels, durationOf, labelsOf, ROWS, startOf } from './tally-stages.ts';

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

type ListedRow = [start: Date, durationMs: number, offset: number, ...labels: (string | null)[]];

/** A group for `talliesOfLists`: what is to be summed of a user and a partition, as a list. */
export function listsOf(addend: Addend): Document {
  return {
    _id: { u: '$user_id', s: '$source.stream', p: '$source.partition', from: addend.prefix },
    rows: { $push: [startOf(addend), durationOf(addend), '$source.offset', ...labelsOf(addend)] },
  };
}

/**
 * Sums of what lies at or below `through`.
 * @param detailFrom by cell, and behind these by half-hour, from this UTC day on
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
    const known = new Map<string | number, PartitionDayTally>();
    const none = { userId, stream, partition, calls: 0, durationMs: 0, lastStartedAt: -1, lastOffset: -1 };
    for (const [start, durationMs, offset, ...labels] of rows as ListedRow[]) {
      if (offset > highest) continue;
      const startedAt = start.getTime();
      const day = dayOf(startedAt);
      const key = detailFrom === undefined ? `${day}` : `${day} ${labels.join(SEPARATOR)}`;
      let tally = known.get(key);
      if (tally === undefined) {
        tally = { ...none, day, isCorrection };
        if (detailFrom !== undefined) tally.cell = cellOfLabels(labels);
        known.set(key, tally);
        byDay.push(tally);
      }
      add(tally, sign, durationMs, offset);
      if (sign === 1) tally.lastStartedAt = Math.max(tally.lastStartedAt, startedAt);
      if (detailFrom === undefined || day < detailFrom) continue;
      const halfHour = halfHourOf(startedAt);
      let ofHalfHour = known.get(halfHour);
      if (ofHalfHour === undefined) {
        ofHalfHour = { ...none, day, isCorrection: false, halfHour };
        known.set(halfHour, ofHalfHour);
        byHalfHour.push(ofHalfHour);
      }
      add(ofHalfHour, sign, durationMs, offset);
    }
  }
  return [...byDay, ...byHalfHour];
}

function add(tally: PartitionDayTally, sign: number, durationMs: number, offset: number): void {
  tally.calls += sign;
  tally.durationMs += sign * durationMs;
  tally.lastOffset = Math.max(tally.lastOffset, offset);
}
