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

/** The last offset that a letter stands for, where it is more than one. */
export const LAST_OFFSET_HEADER = 'source-last-offset';
/** What of the message is not in the letter, since it was too large. */
export const CUT_HEADER = 'letter-cut';

/** Headers of a webhook's letter, in place of topic, partition and offset. */
export const HOOK_HEADERS = ['source-hook', 'source-provider', 'source-query'] as const;

/** Every header that is ours; those of {@link DEAD_LETTER_HEADERS} are always there, but for a webhook's letter. */
export const OWN_HEADERS = [...DEAD_LETTER_HEADERS, LAST_OFFSET_HEADER, CUT_HEADER, ...HOOK_HEADERS] as const;

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
  /** Where the letter stands for all offsets from `offset` through this one. */
  lastOffset?: number | undefined;
  /** Epoch milliseconds. */
  failedAt: number;
}

/** How much of a message goes into its letter, in bytes. */
export interface LetterLimits {
  valueMaxBytes: number;
  keyMaxBytes: number;
  /** Names and values together; those that come first are kept. */
  headersMaxBytes: number;
}

/** A letter within these fits into any topic that takes messages of 1 MiB, which topics do where nobody said otherwise. */
export const LETTER_LIMITS: LetterLimits = {
  valueMaxBytes: 256 * 1024,
  keyMaxBytes: 16 * 1024,
  headersMaxBytes: 64 * 1024,
};

/** The whole body of a webhook is needed to read it again, and it may hold a transcript. */
const HOOK_BODY_MAX_BYTES = 896 * 1024;
const HOOK_QUERY_MAX_CHARACTERS = 16_384;

/** A webhook that means a call, and cannot be read. */
export interface HookLetter {
  /** `hook_…` */
  hookId: string;
  provider: string;
  body: Buffer;
  /** What followed `?` in the address, since some platforms name the user there. */
  query?: string | undefined;
  /** Of the body. The only header of the request that is kept: others hold secrets and signatures. */
  contentType?: string | undefined;
  rejection: Rejection;
  /** Epoch milliseconds. */
  receivedAtMs: number;
}

/** Names of headers that are left out are told as far as they go into this. */
const NAMES_MAX_CHARACTERS = 1_000;

/**
 * The message to write to the dead-letter topic: key, value and headers as they came, and ours
 * beside them. A header that has a name of ours already (a letter that failed again after a retry)
 * is kept as `original-<name>`, the first one only, so that its first fault stays readable. What
 * is beyond the limits is left out, and the header `letter-cut` says what.
 */
export function deadLetterMessage(letter: DeadLetter, limits: LetterLimits = LETTER_LIMITS): Message {
  const { rejection, topic, partition, offset, lastOffset, failedAt } = letter;
  const cuts: string[] = [];
  const value = cut('value', letter.value, limits.valueMaxBytes, cuts);
  const key = cut('key', letter.key, limits.keyMaxBytes, cuts);
  const headers = cutHeaders(letter.headers ?? {}, limits.headersMaxBytes, cuts);
  const ours: Partial<Record<(typeof OWN_HEADERS)[number], string>> = {
    'error-code': rejection.code,
    'error-message': rejection.message,
    'source-topic': topic,
    'source-partition': String(partition),
    'source-offset': String(offset),
    'failed-at': new Date(failedAt).toISOString(),
  };
  if (lastOffset !== undefined) ours[LAST_OFFSET_HEADER] = String(lastOffset);
  if (cuts.length > 0) ours[CUT_HEADER] = cuts.join('; ');
  for (const name of OWN_HEADERS) {
    const theirs = headers[name];
    if (theirs !== undefined) headers[`original-${name}`] ??= theirs;
    delete headers[name];
    if (ours[name] !== undefined) headers[name] = ours[name];
  }
  return { key, value, headers };
}

/**
 * The message to write to the dead-letter topic for a webhook: its body, and headers that say why and from which hook.
 * `failed-at` is when it was received. It may need most of the 1 MiB that a request to Kafka takes.
 */
export function hookLetterMessage(letter: HookLetter): Message {
  const { hookId, provider, body, query, contentType, rejection, receivedAtMs } = letter;
  const cuts: string[] = [];
  const value = cut('value', body, HOOK_BODY_MAX_BYTES, cuts);
  const headers: IHeaders = {
    'error-code': rejection.code,
    'error-message': rejection.message,
    'failed-at': new Date(receivedAtMs).toISOString(),
    'source-hook': hookId,
    'source-provider': provider,
  };
  if (query !== undefined) headers['source-query'] = query.slice(0, HOOK_QUERY_MAX_CHARACTERS);
  if (contentType !== undefined) headers['content-type'] = contentType;
  if (cuts.length > 0) headers[CUT_HEADER] = cuts.join('; ');
  return { key: null, value, headers };
}

function cut(what: string, bytes: Buffer | null, maxBytes: number, cuts: string[]): Buffer | null {
  if (bytes === null || bytes.length <= maxBytes) return bytes;
  cuts.push(`${what}: the first ${maxBytes} of ${bytes.length} bytes`);
  return bytes.subarray(0, maxBytes);
}

function cutHeaders(headers: IHeaders, maxBytes: number, cuts: string[]): IHeaders {
  const kept: IHeaders = Object.create(null);
  const left: string[] = [];
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    const more = Buffer.byteLength(name) + sumOfBytes(value);
    if (bytes + more > maxBytes) {
      left.push(name);
      continue;
    }
    bytes += more;
    kept[name] = value;
  }
  if (left.length > 0) cuts.push(`headers left out: ${left.join(', ').slice(0, NAMES_MAX_CHARACTERS)}`);
  return kept;
}

/** Bytes of what a header may hold: one value, several, or none. */
function sumOfBytes(value: IHeaders[string]): number {
  return [value ?? ''].flat().reduce((sum, one) => sum + Buffer.byteLength(one ?? ''), 0);
}

/** Bytes of key, value and headers of a message, before it is compressed. */
export function messageBytes({ key, value, headers = {} }: Message): number {
  const ofHeaders = Object.entries(headers).map(([name, one]) => Buffer.byteLength(name) + sumOfBytes(one));
  return ofHeaders.reduce(
    (sum, bytes) => sum + bytes,
    Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? ''),
  );
}
