import { decodeCallEvent } from '@calltally/contract';
import type { Call } from '@calltally/domain';
import type { KafkaMessage } from 'kafkajs';
import type { Rejected } from './dead-letters.ts';

/** Messages of one partition that follow each other, told apart into calls and what is none. */
export interface Chunk {
  partition: number;
  events: { offset: number; call: Call; message: KafkaMessage }[];
  rejected: Rejected[];
  /** Offset of the first message, taken or not. */
  first: number;
  /** Offset of the last message, taken or not, or of what follows it and holds no event. */
  through: number;
  /** Timestamp of the last message, epoch ms. */
  lastTimestampMs: number;
}

/** @param messages at least one */
export function decodeChunk(partition: number, messages: readonly KafkaMessage[]): Chunk {
  const nowMs = Date.now();
  const last = messages.at(-1)!;
  const chunk: Chunk = {
    partition,
    events: [],
    rejected: [],
    first: Number(messages[0]!.offset),
    through: Number(last.offset),
    lastTimestampMs: Number(last.timestamp),
  };
  for (const message of messages) {
    const { call, rejection } = decodeCallEvent(message.value, nowMs);
    if (rejection === undefined) chunk.events.push({ offset: Number(message.offset), call, message });
    else chunk.rejected.push({ message, rejection });
  }
  return chunk;
}
