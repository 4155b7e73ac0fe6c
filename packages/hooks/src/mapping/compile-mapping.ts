import { type Rejection, shown } from '@calltally/contract';
import { parseExpression } from './expression.ts';
import { type FieldReading, fieldReader, type GetterOf } from './field-reading.ts';
import { isTimeZone } from './local-time.ts';
import { MAPPED_FIELDS, type MappedField, type Mapping } from './mapping.ts';

export type MappedRecord =
  /** A call event with a user only if the mapping has one, not checked yet (`checkCallEvent`). */
  { event: Readonly<Record<string, unknown>>; rejection?: never } | { rejection: Rejection; event?: never };

export interface CompiledMapping {
  /** All paths that are read. */
  paths: readonly string[];
  /** Never throws. */
  read(record: unknown): MappedRecord;
}

/**
 * Checks a mapping, whoever wrote it, and prepares it for many records.
 *
 * @returns what is wrong and what to do, if it cannot be used
 */
export function compileMapping(mapping: Mapping, getterOf: GetterOf): CompiledMapping | { fault: string } {
  const { fields, values = [], timeZone } = mapping;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    return {
      fault: `${JSON.stringify(timeZone)} is no time zone; write a name such as Europe/Berlin, or an offset such as +01:00`,
    };
  }
  for (const field of [...Object.keys(fields), ...values.map((value) => value.field)]) {
    if (!(MAPPED_FIELDS as readonly string[]).includes(field)) {
      return {
        fault: `${JSON.stringify(field)} is no field of a call event; the fields are ${MAPPED_FIELDS.join(', ')}`,
      };
    }
  }
  const unmapped = values.find(({ field }) => fields[field] === undefined);
  if (unmapped !== undefined) {
    return { fault: `${unmapped.field} has meanings of values, and is not mapped; map it, too` };
  }
  const missing = (['call_id', 'started_at'] as const).find((field) => fields[field] === undefined);
  if (missing !== undefined) return { fault: `${missing} is not mapped; every call needs it` };
  if (fields.duration_seconds === undefined && fields.ended_at === undefined) {
    return { fault: 'neither duration_seconds nor ended_at is mapped; map one of them' };
  }

  const readers = new Map<MappedField, (record: unknown) => FieldReading>();
  const paths: string[] = [];
  for (const field of MAPPED_FIELDS) {
    const text = fields[field];
    if (text === undefined) continue;
    const expression = parseExpression(field, String(text));
    if ('fault' in expression) return expression;
    const meanings = new Map(values.filter((v) => v.field === field).map((v) => [v.is, v.means]));
    const reader = fieldReader(field, expression, { getterOf, meanings, timeZone });
    if ('fault' in reader) return reader;
    paths.push(...reader.paths);
    readers.set(field, reader.read);
  }
  return { paths, read: (record) => readRecord(record, readers) };
}

function readRecord(
  record: unknown,
  readers: ReadonlyMap<MappedField, (record: unknown) => FieldReading>,
): MappedRecord {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    const message = `the record is ${shown(record)}; it must be a JSON object`;
    return { rejection: { code: 'EVENT_NOT_OBJECT', message } };
  }
  const event: Record<string, unknown> = {};
  /** @returns why the event is rejected, if it is */
  const take = (field: MappedField): Rejection | undefined => {
    const { value, rejection } = readers.get(field)?.(record) ?? {};
    if (value !== undefined) event[field] = value;
    return rejection;
  };

  for (const field of ['call_id', 'user_id', 'revision', 'deleted'] as const) {
    const rejection = take(field);
    if (rejection !== undefined) return { rejection };
  }
  // A call that is taken back needs nothing else, so nothing else costs it.
  if (event.deleted === true) return { event };

  for (const field of ['started_at', 'duration_seconds', 'agent_id', 'direction', 'status'] as const) {
    const rejection = take(field);
    if (rejection !== undefined) return { rejection };
  }
  // Beside a duration, an end that cannot be read costs nothing.
  const rejection = take('ended_at');
  if (event.duration_seconds !== undefined) return { event };
  if (rejection !== undefined) return { rejection };
  if (event.ended_at !== undefined) return { event };
  const message = 'duration_seconds and ended_at are missing; the record must have one of them';
  return { rejection: { code: 'DURATION_MISSING', message, field: 'duration_seconds' } };
}
