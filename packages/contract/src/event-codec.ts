import { isUtf8 } from 'node:buffer';
import { type Checked, checkCallEvent } from './check-call-event.ts';
import { dataOf, isCloudEvent } from './cloud-event.ts';
import { type CallEvent, EVENT_SIZE_MAX_BYTES } from './event.ts';
import type { Rejection } from './rejection.ts';

/** Parsed JSON of a call event, and the prefix of its field names in a rejection. */
export type Opened =
  | { event: unknown; within: string; rejection?: never }
  | { rejection: Rejection; event?: never };

/**
 * Decodes a message's value. Never throws: any bytes give a call or a rejection. If JSON repeats a key, the last one counts.
 *
 * @param nowMs the current time, epoch ms; a call may start at most 5 minutes later
 */
export function decodeCallEvent(value: Buffer | null, nowMs: number): Checked {
  const opened = parseCallEvent(value);
  if (opened.rejection !== undefined) return { rejection: opened.rejection };
  return checkCallEvent(opened.event, nowMs, opened.within);
}

/** Parses a value, or the data of a CloudEvent, without checking the event. Never throws. */
export function parseCallEvent(value: Buffer | null): Opened {
  if (value === null || value.length === 0) {
    return rejected('EVENT_EMPTY', 'the message has no value; write the call event as a JSON object');
  }
  if (value.length > EVENT_SIZE_MAX_BYTES) {
    return rejected(
      'EVENT_TOO_LARGE',
      `the value has ${value.length} bytes; it may have at most ${EVENT_SIZE_MAX_BYTES}, leave out unknown fields`,
    );
  }
  const parsed = parse(value);
  return parsed.rejection === undefined ? openCallEvent(parsed.event) : parsed;
}

/** The event in parsed JSON: the JSON itself, or the data of a CloudEvent. Never throws, and checks no event. */
export function openCallEvent(json: unknown): Opened {
  if (!isCloudEvent(json)) return { event: json, within: '' };
  const opened = dataOf(json);
  if ('rejection' in opened) return opened;
  return 'data' in opened ? { event: opened.data, within: 'data.' } : parse(opened.bytes, 'data_base64');
}

/** Encodes an event without checking it. */
export function encodeCallEvent(event: CallEvent): Buffer {
  return Buffer.from(JSON.stringify(event), 'utf8');
}

/** @param field the field that holds the bytes, unless they are the whole value */
function parse(bytes: Buffer, field?: string): Opened {
  const name = field ?? 'the value';
  if (!isUtf8(bytes)) {
    return rejected('EVENT_NOT_UTF8', `${name} is not UTF-8; write JSON in UTF-8 and nothing else`, field);
  }
  const text = bytes.toString('utf8');
  try {
    return { event: JSON.parse(text), within: field === undefined ? '' : 'data.' };
  } catch {
    const fault = text.startsWith('\ufeff') ? 'starts with a byte order mark' : 'is not JSON';
    return rejected(
      'EVENT_NOT_JSON',
      `${name} ${fault}; write one JSON object in UTF-8 and nothing else`,
      field,
    );
  }
}

function rejected(code: Rejection['code'], message: string, field?: string): { rejection: Rejection } {
  return { rejection: field === undefined ? { code, message } : { code, message, field } };
}
