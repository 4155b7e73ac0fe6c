import {
  type CallEvent,
  checkCallEvent,
  type DroppedField,
  EVENT_SIZE_MAX_BYTES,
  encodeCallEvent,
  type Opened,
  type Rejection,
} from '@calltally/contract';
import type { EventMessage } from '@calltally/contract/producer';

/** Why an event is refused: as ingest would reject it, or because it is not the sender's. */
export type Refusal = Omit<Rejection, 'code'> & { code: Rejection['code'] | 'OTHER_USER' };

/** An event that can be written, or why not. */
export type Judged =
  | { message: EventMessage; dropped?: readonly DroppedField[]; refusal?: never }
  | { refusal: Refusal; message?: never };

/**
 * Checks an event as ingest does, and whose it is.
 * @param userId the only user whose calls may come; undefined if any user's may
 * @param nowMs epoch ms
 */
export function judgeEvent(opened: Opened, userId: string | undefined, nowMs: number): Judged {
  if (opened.rejection !== undefined) return { refusal: opened.rejection };
  const { call, rejection, dropped } = checkCallEvent(opened.event, nowMs, opened.within);
  if (rejection !== undefined) return { refusal: rejection };
  if (userId !== undefined && call.userId !== userId) {
    const field = `${opened.within}user_id`;
    const message = `${field} is not the user of the API key; send the event with a key of that user, or of the platform`;
    return { refusal: { code: 'OTHER_USER', field, message } };
  }
  const value = encodeCallEvent(opened.event as CallEvent);
  if (value.length > EVENT_SIZE_MAX_BYTES) {
    const message = `the event has ${value.length} bytes; it may have at most ${EVENT_SIZE_MAX_BYTES}, leave out unknown fields`;
    return { refusal: { code: 'EVENT_TOO_LARGE', message } };
  }
  return { message: { key: call.userId, value }, ...(dropped && { dropped }) };
}
