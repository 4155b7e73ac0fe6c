import { DURATION_MAX_SECONDS, type Rejection, type RejectionCode, shown } from '@calltally/contract';
import { ID_RULE, isId } from '@calltally/domain';
import type { HookDefinition } from './definition.ts';
import { parsePath, valueAt } from './path.ts';

/** What adapters share to make the fields of a call event from what a payload has. */
export type Fields = Readonly<Record<string, unknown>>;

export type Rejected = { rejection: Rejection };

const DECIMAL = /^\d{1,20}(?:\.\d{1,20})?$/;

/** @param fault continues the message after the field's name */
export function rejected(code: RejectionCode, field: string, fault: string): Rejected {
  return { rejection: { code, field, message: `${field} ${fault}` } };
}

/** @param remedy says what must be there */
export function missing(field: string, remedy: string): Rejected {
  return rejected('FIELD_MISSING', field, `is missing; ${remedy}`);
}

export function notJson(): Rejected {
  return { rejection: { code: 'EVENT_NOT_JSON', message: 'the body is not JSON in UTF-8' } };
}

/** The fields of an object; of anything else none. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function isRejected(value: unknown): value is Rejected {
  return typeof value === 'object' && value !== null && 'rejection' in value;
}

/** A text that says something; a whole number as its digits. */
export function textOf(value: unknown): string | undefined {
  if (Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A number of at least zero, also one that is written as text. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && Number.isFinite(number) ? number : undefined;
}

/**
 * An id, or what is wrong with it.
 * @param field where it is in the payload
 * @param remedy says what must be there
 */
export function readId(value: unknown, field: string, remedy: string): { id: string } | Rejected {
  const id = textOf(value);
  if (isId(id)) return { id };
  if (value == null || value === '') return missing(field, remedy);
  return rejected('FIELD_INVALID', field, `is ${shown(value)}; it must be ${ID_RULE}; ${remedy}`);
}

/** An id that is not needed: what is none costs the attribute, not the call. */
export function optionalId(value: unknown): string | undefined {
  const id = textOf(value);
  return isId(id) ? id : undefined;
}

/** Whose call a payload tells, or why that cannot be said. */
export function readUser(payload: unknown, { user }: HookDefinition): { id: string } | Rejected {
  if ('id' in user) return user;
  const path = parsePath(user.from);
  const value = path === undefined ? undefined : valueAt(payload, path);
  return readId(
    value,
    user.from,
    'the hook takes the user from there: send it, or give the hook another path',
  );
}

/**
 * A duration in seconds, also one that is written as text.
 * @param field where it is in the payload
 * @returns undefined if there is none
 */
export function readSeconds(value: unknown, field: string): number | Rejected | undefined {
  if (value == null || value === '') return undefined;
  const seconds = numberOf(value);
  if (seconds !== undefined && seconds <= DURATION_MAX_SECONDS) return seconds;
  const fault = `is ${shown(value)}; it must be a number of seconds from 0 to ${DURATION_MAX_SECONDS}`;
  return rejected('DURATION_INVALID', field, fault);
}

/** A platform's word in ours. One that the table does not have is kept as it came. */
export function translated(value: unknown, table: Readonly<Record<string, string>>): string | undefined {
  const word = textOf(value);
  return word !== undefined && Object.hasOwn(table, word) ? table[word] : word;
}

/** These fields without those that have no value. */
export function given(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
