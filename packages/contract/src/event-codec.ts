import { isUtf8 } from 'node:buffer';
import { type Checked, checkCallEvent } from './check.ts';
import { dataOf, isCloudEvent } from './cloud-event.ts';
import { type CallEvent, EVENT_SIZE_MAX_BYTES } from './event.ts';
import type { Rejection } from './rejection.ts';

/** What became of a value: a call to count, or why it is none. */
export type Decoded = Checked;

/** Parsed JSON that is to be a call event, and what stands before its fields' names in a rejection. */
type Opened = { event: unknown; within: string; rejection?: never } | { rejection: Rejection; event?: never };

type Parsed = { json: unknown; rejection?: never } | { rejection: Rejection };

/**
 * Reads a message's value as a call. Never throws: whatever bytes come, the answer is a call or a
 * rejection with a code of `REJECTION_CODES`. Where JSON repeats a key, the last one counts.
 *
 * @param nowMs the reader's clock in epoch milliseconds; a call may start at most 5 minutes after it
 */
export function decodeCallEvent(value: Buffer | null, nowMs: number): Decoded {
  const opened = parseCallEvent(value);
  if (opened.rejection !== undefined) return { rejection: opened.rejection };
  return checkCallEvent(opened.event, nowMs, opened.within);
}

/** The parsed event of a value: the value itself, or the data of a CloudEvent. It is not checked. Never throws. */
export function parseCallEvent(value: Buffer | null): Opened {
  if (value === null || value.length === 0) {
    return rejected('EVENT_EMPTY', 'the message has no value; write the call event as a JSON object');
  }
  if (value.length > EVENT_SIZE_MAX_BYTES) {
    return rejected(
      'EVENT_TOO_LARGE',
      `the value has ${value.length} bytes; at most ${EVENT_SIZE_MAX_BYTES} are taken, leave out what is not of the contract`,
    );
  }
  const parsed = parse(value);
  if (parsed.rejection !== undefined) return parsed;
  if (!isCloudEvent(parsed.json)) return { event: parsed.json, within: '' };
  const opened = dataOf(parsed.json);
  if ('rejection' in opened) return opened;
  if ('data' in opened) return { event: opened.data, within: 'data.' };
  const inner = parse(opened.bytes, 'data_base64');
  return inner.rejection !== undefined ? inner : { event: inner.json, within: 'data.' };
}

/** The value to write for an event. It is not checked: a reader does that, and so does the producer. */
export function encodeCallEvent(event: CallEvent): Buffer {
  return Buffer.from(JSON.stringify(event), 'utf8');
}

/** @param field where the bytes stand, if they are not the whole value */
function parse(bytes: Buffer, field?: string): Parsed {
  const name = field ?? 'the value';
  if (!isUtf8(bytes)) {
    return rejected('EVENT_NOT_UTF8', `${name} is not UTF-8; write JSON in UTF-8, nothing around it`, field);
  }
  const text = bytes.toString('utf8');
  try {
    return { json: JSON.parse(text) };
  } catch {
    const fault = text.startsWith('\ufeff') ? 'begins with a byte order mark' : 'is not JSON';
    return rejected(
      'EVENT_NOT_JSON',
      `${name} ${fault}; write one JSON object in UTF-8, nothing around it`,
      field,
    );
  }
}

function rejected(code: Rejection['code'], message: string, field?: string): { rejection: Rejection } {
  return { rejection: field === undefined ? { code, message } : { code, message, field } };
}
