import { unreadableOf } from '@calltally/contract';
import type { Batch } from 'kafkajs';

/** What kafkajs keeps of a batch beside the messages that it hands on. */
interface WholeBatch extends Batch {
  /** At or behind the offset that was fetched: messages, those that were aborted, and control records. */
  messagesWithinOffset: { offset: string; key: Buffer | null; isControlRecord: boolean }[];
}

/**
 * Counts the offsets of a batch that hold no event, by what they hold instead. Where they were compacted, events were
 * on the topic and are gone.
 */
export function emptyOffsetsOf(batch: Batch): { control: number; aborted: number; compacted: number } {
  const { messagesWithinOffset, messages, fetchedOffset } = batch as WholeBatch;
  let next = Number(fetchedOffset);
  let control = 0;
  let compacted = 0;
  for (const record of messagesWithinOffset) {
    const through = Number(record.offset);
    // One without a key is no record: it says that nothing is left through its offset.
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
