import {
  type DroppedField,
  decodeCallEvent,
  recordUnreadable,
  type Unreadable,
  unreadableOf,
} from '@calltally/contract';
import type { Call } from '@calltally/domain';
import type { KafkaMessage } from 'kafkajs';
import type { Rejected } from './dead-letters.ts';

/** Messages of one partition that follow each other, told apart into calls and what is none. */
export interface DecodedBatch {
  partition: number;
  events: { offset: number; call: Call; message: KafkaMessage }[];
  rejected: Rejected[];
  /** Fields that calls were taken without. */
  dropped: DroppedField[];
  /** Offset of the first message, taken or not. */
  first: number;
  /** Offset of the last message, taken or not, or of what follows it and holds no event. */
  through: number;
}

/** @param messages may be none, where nothing from `first` through `through` holds an event */
export function decodeBatch(
  partition: number,
  messages: readonly KafkaMessage[],
  { first, through }: { first: number; through: number },
): DecodedBatch {
  const nowMs = Date.now();
  const batch: DecodedBatch = { partition, events: [], rejected: [], dropped: [], first, through };
  for (const message of messages) {
    const unreadable = unreadableOf(message);
    if (unreadable !== undefined) {
      batch.rejected.push(rejectedSpan(message, unreadable));
      continue;
    }
    const { call, rejection, dropped } = decodeCallEvent(message.value, nowMs);
    if (dropped !== undefined) batch.dropped.push(...dropped);
    if (rejection === undefined) batch.events.push({ offset: Number(message.offset), call, message });
    else batch.rejected.push({ message, rejection });
  }
  return batch;
}

/** One letter for all offsets that cannot be read, with the bytes that should have said what they hold. */
function rejectedSpan(message: KafkaMessage, { first, through, reason, bytes }: Unreadable): Rejected {
  return {
    message: { ...message, offset: String(first), value: bytes },
    lastOffset: through,
    rejection: recordUnreadable(first, through, reason),
  };
}
