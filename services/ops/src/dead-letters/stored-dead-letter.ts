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
  /** Unix ms; if no header says when the event failed, when the letter was written. */
  failedAtMs: number;
  /** Empty if no header has it. */
  code: string;
  message: string;
  /** Where the event was found; undefined if no header has it, since intake or nobody of ours wrote this letter. */
  source: { topic: string; partition: number; offset: number; last_offset?: number } | undefined;
  /** The hook that received the value as a webhook; undefined if no header has it. */
  hook: { id: string; provider: string; query: string } | undefined;
  /** Which part of the event is not in the letter; undefined if the letter is whole. */
  cut: string | undefined;
  key: Buffer | null;
  value: Buffer | null;
  /** The headers that the event came with. */
  headers: IHeaders;
}

const HOOK = /^hook_[0-9a-f]{24}$/;
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
    hook: hookOf(headers),
    cut: textOf(headers[CUT_HEADER]) || undefined,
    key: message.key,
    value: message.value,
    headers: originalHeaders(headers),
  };
}

/** A producer may write any timestamp. An invalid one counts as none. */
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
 * The id of the event that a letter tells of. Ingest may write several letters of one event (after a kill before the
 * commit, or after it went back to an older checkpoint); what is done with one of them holds for all. The id includes a
 * digest of the bytes, since a recreated topic uses the same offsets for other events. A webhook is its hook and its bytes.
 */
export function eventId({ dlqTopic, id, source, hook, key, value }: StoredDeadLetter): string {
  const digest = createHash('sha256');
  for (const bytes of [key, value]) digest.update(`${bytes?.length ?? 'none'}:`).update(bytes ?? '');
  const place = source
    ? `${source.topic}:${source.partition}:${source.offset}`
    : (hook?.id ?? `${dlqTopic}:${id}`);
  return `${place}:${digest.digest('base64url').slice(0, 22)}`;
}

/** The event as it came, with a header that names the letter; or another value, with its user as the key. */
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

function hookOf(headers: IHeaders): StoredDeadLetter['hook'] {
  const id = textOf(headers['source-hook']);
  if (!HOOK.test(id)) return undefined;
  return { id, provider: textOf(headers['source-provider']), query: textOf(headers['source-query']) };
}

/** Undoes what writing a letter does to headers: removes ours, and restores those that they replaced. */
function originalHeaders(headers: IHeaders): IHeaders {
  const original: IHeaders = Object.assign(Object.create(null), headers);
  for (const name of OWN_HEADERS) {
    const replaced = original[`original-${name}`];
    delete original[name];
    delete original[`original-${name}`];
    if (replaced !== undefined) original[name] = replaced;
  }
  return original;
}
