import type { RejectionCode } from '@calltally/contract';
import { ID_RULE, isId, readDirection, readStatus } from '@calltally/domain';
import type { Unit } from './expression.ts';
import type { MappedField } from './mapping.ts';
import { type DurationUnit, readDuration } from './read-duration.ts';
import { readTime, type TimeUnit } from './read-time.ts';

/** A value as the event has it, absent if it cannot be read and is not needed; or what is wrong with it. */
type Read = { value?: unknown; fault?: never } | { fault: string; value?: never };

/** Reads a value that is there: not null, and no empty text. */
export type FieldReader = (value: unknown, unit: Unit | undefined, timeZone: string | undefined) => Read;

const readId: FieldReader = (value) => {
  const id = Number.isSafeInteger(value) ? String(value) : value;
  return isId(id) ? { value: id } : { fault: `it must be ${ID_RULE}` };
};

const readInstant: FieldReader = (value, unit, timeZone) => {
  const { time, fault } = readTime(value, unit as TimeUnit | undefined, timeZone);
  return fault === undefined ? { value: time } : { fault };
};

/** A label never costs a call: what is none is left out. */
const labelReader =
  (read: (value: unknown) => string | undefined): FieldReader =>
  (value) => {
    const text = textOf(value);
    return text === undefined || read(text) === undefined ? {} : { value: text };
  };

const FLAGS = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

export const FIELD_READERS: Readonly<Record<MappedField, FieldReader>> = {
  call_id: readId,
  user_id: readId,
  agent_id: readId,
  started_at: readInstant,
  ended_at: readInstant,
  duration_seconds(value, unit) {
    const { seconds, fault } = readDuration(value, unit as DurationUnit | undefined);
    return fault === undefined ? { value: seconds } : { fault };
  },
  direction: labelReader(readDirection),
  status: labelReader(readStatus),
  revision(value) {
    const text = textOf(value) ?? '';
    const revision = Number(text);
    if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(revision)) return { value: revision };
    return { fault: `it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}` };
  },
  deleted(value) {
    const flag = FLAGS.get(textOf(value)?.toLowerCase() ?? '');
    return flag === undefined
      ? { fault: 'it must be true or false, or 1 or 0; say what other values mean' }
      : { value: flag };
  },
};

const INVALID: Partial<Record<MappedField, RejectionCode>> = {
  started_at: 'STARTED_AT_INVALID',
  ended_at: 'ENDED_AT_INVALID',
  duration_seconds: 'DURATION_INVALID',
};

/** The code of a rejection whose field has an unreadable value. */
export function invalidCode(field: MappedField): RejectionCode {
  return INVALID[field] ?? 'FIELD_INVALID';
}

/** What JSON may write instead of a text; undefined for null, objects and arrays. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
