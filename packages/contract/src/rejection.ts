import { escapeUnsafe } from '@calltally/domain';

/**
 * Why an event is rejected: a stable, closed list, which a test compares with docs/events.md. The prefix says what is at
 * fault: the whole value (`EVENT`), the form of a field (`FIELD`), or the meaning of the named field.
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
] as const;

export type RejectionCode = (typeof REJECTION_CODES)[number];

/** What is wrong with an event. `message` is for people: the field, its fault and the remedy. */
export interface Rejection {
  code: RejectionCode;
  message: string;
  /** The field at fault, if any. */
  field?: string;
}

const SHOWN_MAX_CHARACTERS = 80;

/**
 * Formats a value for a message: as JSON without characters that affect a terminal or a log, and at most 80 characters, so
 * that a hostile value cannot fill a header.
 */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  const text =
    typeof value === 'string'
      ? escapeUnsafe(JSON.stringify(value.slice(0, SHOWN_MAX_CHARACTERS + 1)))
      : String(value);
  // The cut may split a surrogate pair.
  return text.length > SHOWN_MAX_CHARACTERS
    ? `${text.slice(0, SHOWN_MAX_CHARACTERS - 1).toWellFormed()}…`
    : text;
}

/** Rejection of the offsets from `first` through `through`, whose records cannot be decoded. */
export function recordUnreadable(first: number, through: number, reason: string): Rejection {
  const which = first === through ? `offset ${first}` : `offsets ${first} to ${through}`;
  return {
    code: 'RECORD_UNREADABLE',
    message: `${which} cannot be read: ${reason}; send their events again`,
  };
}
