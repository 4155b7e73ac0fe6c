import { DateRangeError, parseDateRange } from '@calltally/domain';
import { InvalidArgumentError } from 'commander';

/** Where a replay begins or ends in each partition. */
export type Bound =
  | { kind: 'earliest' }
  /** The first event that Kafka received at or after this time, in Unix ms. */
  | { kind: 'time'; ms: number; text: string }
  /** One offset for all partitions, or one each for some of them. */
  | { kind: 'offset'; offset: number }
  | { kind: 'offsets'; offsets: ReadonlyMap<number, number> };

const OFFSET = /^\d{1,15}$/;
const OFFSETS = /^\d{1,9}:\d{1,15}(,\d{1,9}:\d{1,15})*$/;

/** @throws InvalidArgumentError of commander */
export function parseFrom(text: string): Bound {
  return text === 'earliest' ? { kind: 'earliest' } : parseTo(text);
}

/** @throws InvalidArgumentError of commander */
export function parseTo(text: string): Bound {
  if (OFFSET.test(text)) return { kind: 'offset', offset: Number(text) };
  if (OFFSETS.test(text)) {
    const pairs = text.split(',').map((pair) => pair.split(':').map(Number) as [number, number]);
    const offsets = new Map(pairs);
    if (offsets.size === pairs.length) return { kind: 'offsets', offsets };
    throw new InvalidArgumentError('Name each partition once.');
  }
  try {
    const { from } = parseDateRange({ start_date: text, end_date: '9999-12-31' }, 0);
    // No event is older than 1970, and to brokers a negative time has a special meaning, such as "the latest".
    return { kind: 'time', ms: Math.max(0, from), text };
  } catch (error) {
    if (!(error instanceof DateRangeError)) throw error;
    throw new InvalidArgumentError(
      'Write a date (2026-03-01), a date-time (2026-03-01T09:30:00Z), an offset (1500), or offsets by partition (0:1500,3:20).',
    );
  }
}

/** Whether the range is empty, whatever the topic holds. */
export function isBackward(from: Bound, to: Bound): boolean {
  if (from.kind === 'time') return to.kind === 'time' && from.ms >= to.ms;
  if (from.kind === 'earliest' || to.kind === 'earliest' || to.kind === 'time') return false;
  const partitions = [...partitionsOf(from), ...partitionsOf(to)];
  if (partitions.length === 0) return offsetIn(from, 0) >= offsetIn(to, 0);
  return partitions.some((partition) => offsetIn(from, partition) >= offsetIn(to, partition));
}

/** Partitions that a bound names. */
export function partitionsOf(bound: Bound | undefined): number[] {
  return bound?.kind === 'offsets' ? [...bound.offsets.keys()] : [];
}

/** NaN for a partition that it does not name. */
function offsetIn(bound: Extract<Bound, { kind: 'offset' | 'offsets' }>, partition: number): number {
  return bound.kind === 'offset' ? bound.offset : (bound.offsets.get(partition) ?? Number.NaN);
}
