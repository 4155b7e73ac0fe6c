import { isUtf8 } from 'node:buffer';
import type { Call } from '@calltally/domain';
import { checkCallEvent } from './check.ts';
import { type CallEvent, EVENT_SIZE_MAX_BYTES } from './event.ts';
import type { Rejection } from './rejection.ts';

/** What became of a value: a call to count, or why it is none. */
export type Decoded = { call: Call; rejection?: never } | { rejection: Rejection; call?: never };

/**
 * Reads a message's value as a call. Never throws: whatever bytes come, the answer is a call or a
 * rejection with a code of `REJECTION_CODES`. Where JSON repeats a key, the last one counts.
 *
 * @param nowMs the reader's clock in epoch milliseconds; a call may start at most 5 minutes after it
 */
export function decodeCallEvent(value: Buffer | null, nowMs: number): Decoded {
  if (value === null || value.length === 0) {
    return rejected('EVENT_EMPTY', 'the message has no value; write the call event as a JSON object');
  }
  if (value.length > EVENT_SIZE_MAX_BYTES) {
    return rejected(
      'EVENT_TOO_LARGE',
      `the value has ${value.length} bytes; at most ${EVENT_SIZE_MAX_BYTES} are taken, leave out what is not of the contract`,
    );
  }
  if (!isUtf8(value)) {
    return rejected('EVENT_NOT_UTF8', 'the value is not UTF-8; write JSON in UTF-8, nothing around it');
  }
  const text = value.toString('utf8');
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    const fault = text.startsWith('\ufeff') ? 'begins with a byte order mark' : 'is not JSON';
    return rejected(
      'EVENT_NOT_JSON',
      `the value ${fault}; write one JSON object in UTF-8, nothing around it`,
    );
  }
  return checkCallEvent(event, nowMs);
}

/** The value to write for an event. It is not checked: a reader does that, and so does the producer. */
export function encodeCallEvent(event: CallEvent): Buffer {
  return Buffer.from(JSON.stringify(event), 'utf8');
}

function rejected(code: Rejection['code'], message: string): Decoded {
  return { rejection: { code, message } };
}
