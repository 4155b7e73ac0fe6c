import type { IHeaders, Message } from 'kafkajs';
import type { Rejection } from './rejection.ts';

/** Headers that say why and from where a message came to the dead-letter topic. */
export const DEAD_LETTER_HEADERS = [
  'error-code',
  'error-message',
  'source-topic',
  'source-partition',
  'source-offset',
  'failed-at',
] as const;

/** A message that could not be taken, and where it was found. */
export interface DeadLetter {
  key: Buffer | null;
  value: Buffer | null;
  /** The headers it came with; kept, unless one has a name of ours. */
  headers?: IHeaders | undefined;
  rejection: Rejection;
  topic: string;
  partition: number;
  /** The message's offset in its partition, a decimal string as kafkajs gives it, or a number. */
  offset: string | number;
  /** Epoch milliseconds. */
  failedAt: number;
}

/**
 * The message to write to the dead-letter topic: key, value and headers as they came, and ours
 * beside them. A header that has a name of ours already (a letter that failed again after a retry)
 * is kept as `original-<name>`, the first one only, so that its first fault stays readable.
 */
export function deadLetterMessage(letter: DeadLetter): Message {
  const { key, value, rejection, topic, partition, offset, failedAt } = letter;
  const ours: Record<(typeof DEAD_LETTER_HEADERS)[number], string> = {
    'error-code': rejection.code,
    'error-message': rejection.message,
    'source-topic': topic,
    'source-partition': String(partition),
    'source-offset': String(offset),
    'failed-at': new Date(failedAt).toISOString(),
  };
  const headers: IHeaders = { ...letter.headers };
  for (const name of DEAD_LETTER_HEADERS) {
    const theirs = headers[name];
    if (theirs !== undefined) headers[`original-${name}`] ??= theirs;
    headers[name] = ours[name];
  }
  return { key, value, headers };
}
