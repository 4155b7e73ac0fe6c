import { DateRangeError, parseDateRange } from '@calltally/domain';
import { InvalidArgumentError } from 'commander';

/** Where a replay begins or ends in each partition. */
export type Bound =
  | { kind: 'earliest' }
  /** The first event that Kafka took at or after this time, epoch ms. */
  | { kind: 'time'; ms: number; text: string }
  /** The same offset in every partition, or one for each of some partitions. */
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
    return { kind: 'offsets', offsets: new Map(pairs) };
  }
  try {
    return { kind: 'time', ms: parseDateRange({ start_date: text, end_date: '9999-12-31' }, 0).from, text };
  } catch (error) {
    if (!(error instanceof DateRangeError)) throw error;
    throw new InvalidArgumentError(
      'Write a date (2026-03-01), a date-time (2026-03-01T09:30:00Z), an offset (1500), or offsets by partition (0:1500,3:20).',
    );
  }
}
