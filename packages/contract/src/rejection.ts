import { escapeUnsafe } from '@calltally/domain';

/**
 * Why an event cannot be counted: a closed list, stable, held against docs/events.md by a test. The
 * prefix says what is at fault: the value as a whole, any field's shape, or what one field means.
 */
export const REJECTION_CODES = [
  'RECORD_UNREADABLE',
  'EVENT_EMPTY',
  'EVENT_TOO_LARGE',
  'EVENT_NOT_UTF8',
  'EVENT_NOT_JSON',
  'EVENT_NOT_OBJECT',
  'FIELD_MISSING',
  'FIELD_INVALID',
  'STARTED_AT_INVALID',
  'STARTED_AT_IN_FUTURE',
  'STARTED_AT_TOO_OLD',
  'DURATION_MISSING',
  'DURATION_INVALID',
  'DURATION_LONGER_THAN_CALL',
  'ENDED_AT_INVALID',
  'ENDED_BEFORE_STARTED',
  'CALL_OF_ANOTHER_USER',
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];

/** What is wrong with an event: `message` names the field, the fault and the remedy, for people. */
export interface Rejection {
  code: RejectionCode;
  message: string;
  /** The field of the event at fault, where it is one. */
  field?: string;
}

const SHOWN_MAX_CHARACTERS = 80;

/**
 * A value as a message may show it: JSON that cannot touch a terminal or a log, cut at 80 characters, so that a hostile
 * value cannot fill a header.
 */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const text =
    typeof value === 'string'
      ? escapeUnsafe(JSON.stringify(value.slice(0, SHOWN_MAX_CHARACTERS + 1)))
      : String(value);
  // The cut may go through a pair of surrogates.
  return text.length > SHOWN_MAX_CHARACTERS
    ? `${text.slice(0, SHOWN_MAX_CHARACTERS - 1).toWellFormed()}…`
    : text;
}

/** What ingest says of a `call_id` that is already counted for somebody else. */
export function callOfAnotherUser(callId: string): Rejection {
  return {
    code: 'CALL_OF_ANOTHER_USER',
    field: 'call_id',
    message: `call_id ${shown(callId)} is already counted for another user_id; give every call an id of its own`,
  };
}

/** What ingest says of offsets, from `first` through `through`, whose records nobody can read. */
export function recordUnreadable(first: number, through: number, reason: string): Rejection {
  const which = first === through ? `offset ${first}` : `offsets ${first} to ${through}`;
  return {
    code: 'RECORD_UNREADABLE',
    message: `${which} cannot be read: ${reason}; send the events that were written there again`,
  };
}
