import {
  type DroppedField,
  decodeCallEvent,
  recordUnreadable,
  type Unreadable,
  unreadableOf,
} from '@calltally/contract';
import type { CallVersion } from '@calltally/domain';
import type { Batch as FetchedBatch, KafkaMessage } from 'kafkajs';
import type { Rejected } from './dead-letters.ts';

/** Successive messages of one partition, decoded into calls and rejections. */
export interface DecodedBatch {
  partition: number;
  events: { offset: number; call: CallVersion }[];
  rejected: Rejected[];
  /** Fields that calls were taken without. */
  dropped: DroppedField[];
  /** The first offset that the batch covers. */
  first: number;
  /** The last offset that it covers, empty offsets behind its last message included. */
  through: number;
}

/** @param messages none if all offsets from `first` through `through` are empty */
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
      batch.rejected.push(rejectUnreadable(message, unreadable));
      continue;
    }
    const { call, rejection, dropped } = decodeCallEvent(message.value, nowMs);
    if (dropped !== undefined) batch.dropped.push(...dropped);
    if (rejection === undefined) batch.events.push({ offset: Number(message.offset), call });
    else batch.rejected.push({ message, rejection });
  }
  return batch;
}

/** One dead letter for all unreadable offsets, with the bytes that could not be decoded. */
function rejectUnreadable(message: KafkaMessage, { first, through, reason, bytes }: Unreadable): Rejected {
  return {
    message: { ...message, offset: String(first), value: bytes },
    lastOffset: through,
    rejection: recordUnreadable(first, through, reason),
  };
}

/** What kafkajs keeps of a fetch beside the messages that it hands over. */
interface WholeFetch extends FetchedBatch {
  /** At or behind the offset that was asked for: messages, aborted ones, and control records. */
  messagesWithinOffset: { offset: string; key: Buffer | null; isControlRecord: boolean }[];
}

/** Counts the empty offsets of a fetch by what they hold. Compacted ones held events that are gone. */
export function countEmptyOffsets(fetched: FetchedBatch): {
  control: number;
  aborted: number;
  compacted: number;
} {
  const { messagesWithinOffset, messages, fetchedOffset } = fetched as WholeFetch;
  let next = Number(fetchedOffset);
  let control = 0;
  let compacted = 0;
  for (const record of messagesWithinOffset) {
    const through = Number(record.offset);
    // Without a key it is no record: it says that nothing is left through its offset.
    const isPlaceholder = record.isControlRecord && record.key === null;
    const first = isPlaceholder ? through + 1 : (unreadableOf(record)?.first ?? through);
    compacted += Math.max(0, first - next);
    if (record.isControlRecord && !isPlaceholder) control++;
    next = through + 1;
  }
  const placeholders = messagesWithinOffset.filter((one) => one.isControlRecord && one.key === null).length;
  const aborted = messagesWithinOffset.length - placeholders - control - messages.length;
  return { control, aborted, compacted };
}
