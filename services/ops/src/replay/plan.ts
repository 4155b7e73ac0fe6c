import type { PartitionView } from '../topic-view.ts';
import type { Bound } from './bound.ts';

/** What a replay reads of one partition, and what was asked for and cannot be read. */
export interface PartitionPlan {
  partition: number;
  from: number;
  /** Exclusive. */
  until: number;
  /** Offsets asked for that the topic no longer holds. */
  gone?: {
    from: number;
    until: number;
    /** False if a time was asked for: all that has expired may be older. */
    surely: boolean;
  };
  /** Offsets asked for that ingest has not stored yet. Ingest counts them. */
  notStored?: { from: number; until: number };
}

/** The first offset at or after the time of a bound, by partition, as the brokers know it. */
export type TimedOffsets = ReadonlyMap<number, number>;

/**
 * Never begins or reads beyond `stored`: recording raises `stored`, which must leave no gap. Ingest counts the rest.
 *
 * @param timed offsets of `from` and `to`, if they are times
 */
export function planReplay(
  partitions: readonly PartitionView[],
  from: Bound,
  to: Bound | undefined,
  timed: { from: TimedOffsets; to: TimedOffsets },
): PartitionPlan[] {
  return partitions
    .filter(({ partition }) => isNamed(from, partition) && (to === undefined || isNamed(to, partition)))
    .map((view): PartitionPlan => {
      const { partition, earliest, stored } = view;
      const asked = offsetOf(from, view, timed.from);
      const last = to === undefined ? stored + 1 : offsetOf(to, view, timed.to);
      const begin = Math.max(earliest, Math.min(asked, stored + 1));
      const until = Math.max(begin, Math.min(last, stored + 1));
      const gone = goneOf(from, view, asked, last);
      const beyond = Math.max(asked, stored + 1);
      const there = Math.min(last, view.end);
      return {
        partition,
        from: begin,
        until,
        ...(gone && { gone }),
        ...(to !== undefined && there > beyond && { notStored: { from: beyond, until: there } }),
      };
    });
}

function isNamed(bound: Bound, partition: number): boolean {
  return bound.kind !== 'offsets' || bound.offsets.has(partition);
}

function offsetOf(bound: Bound, { partition, earliest, end }: PartitionView, timed: TimedOffsets): number {
  switch (bound.kind) {
    case 'earliest':
      return earliest;
    case 'time':
      return timed.get(partition) ?? end;
    case 'offset':
      return bound.offset;
    case 'offsets':
      return bound.offsets.get(partition)!;
  }
}

function goneOf(
  from: Bound,
  { earliest }: PartitionView,
  asked: number,
  last: number,
): PartitionPlan['gone'] {
  if (from.kind === 'earliest') return undefined;
  if (from.kind === 'time') {
    // The brokers answer with the first event they still hold. Expired events may have been in the range, too.
    return earliest > 0 && asked === earliest ? { from: 0, until: earliest, surely: false } : undefined;
  }
  const until = Math.min(earliest, last);
  return asked < until ? { from: asked, until, surely: true } : undefined;
}
