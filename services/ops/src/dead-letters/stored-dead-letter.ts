import { createHash } from 'node:crypto';
import { CUT_HEADER, LAST_OFFSET_HEADER, OWN_HEADERS, unreadableOf } from '@calltally/contract';
import type { IHeaders, KafkaMessage, Message } from 'kafkajs';

/** Names the letter that a message was published again from. */
export const RETRIED_FROM_HEADER = 'retried-from';

/** A message of the dead-letter topic, with what its headers say of it. */
export interface StoredDeadLetter {
  /** `partition:offset` in the dead-letter topic. */
  id: string;
  dlqTopic: string;
  partition: number;
  offset: number;
  /** Epoch ms; when it was written to the dead-letter topic, where no header says when it failed. */
  failedAtMs: number;
  /** Empty where it does not say. */
  code: string;
  message: string;
  /** Where the event was found; undefined where the headers do not say, since ingest did not write this letter. */
  source: { topic: string; partition: number; offset: number; last_offset?: number } | undefined;
  /** What of the event is not in the letter; undefined where all is. */
  cut: string | undefined;
  key: Buffer | null;
  value: Buffer | null;
  /** The headers that the event came with. */
  headers: IHeaders;
}

const TOPIC = /^[A-Za-z0-9._-]{1,249}$/;
const NUMBER = /^\d{1,15}$/;

export function readLetter(dlqTopic: string, partition: number, message: KafkaMessage): StoredDeadLetter {
  const headers: IHeaders = message.headers ?? {};
  const failedAtMs = Date.parse(textOf(headers['failed-at']));
  const unreadable = unreadableOf(message);
  return {
    id: `${partition}:${message.offset}`,
    dlqTopic,
    partition,
    offset: Number(message.offset),
    failedAtMs: Number.isNaN(failedAtMs) ? writtenAtMs(message) : failedAtMs,
    code: textOf(headers['error-code']),
    message: unreadable
      ? `the letter cannot be read: ${unreadable.reason}`
      : textOf(headers['error-message']),
    source: sourceOf(headers),
    cut: textOf(headers[CUT_HEADER]) || undefined,
    key: message.key,
    value: message.value,
    headers: originalHeaders(headers),
  };
}

/** Producers may write any timestamp; one that is no time counts as none. */
function writtenAtMs({ timestamp }: KafkaMessage): number {
  const ms = Number(timestamp);
  return Number.isNaN(new Date(ms).getTime()) ? 0 : ms;
}

/** What the value, key and headers of a letter take, in bytes. */
export function sizeOf({ key, value, headers }: StoredDeadLetter): number {
  const ofHeaders = Object.entries(headers).map(([name, header]) => name.length + textOf(header).length);
  return ofHeaders.reduce((sum, bytes) => sum + bytes, (key?.length ?? 0) + (value?.length ?? 0));
}

/**
 * The event that a letter tells of. Ingest may write a letter of one event more than once (a kill before the commit,
 * going back to an older mark), and whoever retries or discards one of them has done so with all. The bytes belong to
 * it because offsets begin anew with a topic that was made anew.
 */
export function eventId({ dlqTopic, id, source, key, value }: StoredDeadLetter): string {
  const digest = createHash('sha256');
  for (const bytes of [key, value]) digest.update(`${bytes?.length ?? 'none'}:`).update(bytes ?? '');
  const place = source ? `${source.topic}:${source.partition}:${source.offset}` : `${dlqTopic}:${id}`;
  return `${place}:${digest.digest('base64url').slice(0, 22)}`;
}

/** The event as it came, but for a header that names the letter; or with another value, under that call's user. */
export function messageAgain(
  letter: StoredDeadLetter,
  corrected?: { value: Buffer; userId: string },
): Message {
  return {
    key: corrected === undefined ? letter.key : Buffer.from(corrected.userId),
    value: corrected === undefined ? letter.value : corrected.value,
    headers: { ...letter.headers, [RETRIED_FROM_HEADER]: `${letter.dlqTopic}:${letter.id}` },
  };
}

/** The first of the values that a header may have. */
function textOf(header: IHeaders[string]): string {
  return (Array.isArray(header) ? header[0] : header)?.toString() ?? '';
}

function sourceOf(headers: IHeaders): StoredDeadLetter['source'] {
  const topic = textOf(headers['source-topic']);
  const partition = textOf(headers['source-partition']);
  const offset = textOf(headers['source-offset']);
  const last = textOf(headers[LAST_OFFSET_HEADER]);
  if (!TOPIC.test(topic) || !NUMBER.test(partition) || !NUMBER.test(offset)) return undefined;
  const source = { topic, partition: Number(partition), offset: Number(offset) };
  return NUMBER.test(last) ? { ...source, last_offset: Number(last) } : source;
}

/** The inverse of what writing a letter does to headers: ours are left out, and what they displaced is back. */
function originalHeaders(headers: IHeaders): IHeaders {
  const original: IHeaders = Object.assign(Object.create(null), headers);
  for (const name of OWN_HEADERS) {
    const displaced = original[`original-${name}`];
    delete original[name];
    delete original[`original-${name}`];
    if (displaced !== undefined) original[name] = displaced;
  }
  return original;
}
