import { type Rejection, shown } from '@calltally/contract';
import type { Expression, Source } from './expression.ts';
import { FIELD_READERS, invalidCode, textOf } from './field-readers.ts';
import type { MappedField } from './mapping.ts';

/** Gives the value at a path of a record, undefined where there is none. Never throws. */
export type Getter = (record: unknown) => unknown;

/** @returns what is wrong with the path, as the rest of a sentence about it, if it leads nowhere */
export type GetterOf = (path: string) => Getter | string;

/** A field's value, nothing where the record has none, or why the record is rejected. */
export type FieldReading = { value?: unknown; rejection?: Rejection };

export interface FieldOptions {
  getterOf: GetterOf;
  /** What values of the field mean. */
  meanings: ReadonlyMap<string, string>;
  timeZone: string | undefined;
}

interface CompiledField {
  paths: readonly string[];
  read(record: unknown): FieldReading;
}

/** Nothing can be counted without these, so a record without one is rejected. */
const REQUIRED: readonly MappedField[] = ['call_id', 'user_id', 'started_at'];

/** Prepares how one field is read from records. */
export function fieldReader(
  field: MappedField,
  expression: Expression,
  { getterOf, meanings, timeZone }: FieldOptions,
): CompiledField | { fault: string } {
  const check = (value: unknown, source?: Source): FieldReading => {
    const { value: read, fault } = FIELD_READERS[field](value, source?.unit, timeZone);
    if (fault === undefined) return { value: read };
    const where = source === undefined ? '' : ` at ${JSON.stringify(source.path)}`;
    return {
      rejection: {
        code: invalidCode(field),
        message: `${field} is ${shown(value)}${where}; ${fault}`,
        field,
      },
    };
  };
  if ('constant' in expression) {
    const reading = check(expression.constant);
    if (reading.rejection !== undefined) return { fault: reading.rejection.message };
    return { paths: [], read: () => reading };
  }

  const sources = 'allOf' in expression ? expression.allOf : expression.anyOf;
  const paths = sources.map(({ path }) => path);
  const getters: Getter[] = [];
  for (const path of paths) {
    const getter = getterOf(path);
    if (typeof getter === 'string') return { fault: `${JSON.stringify(path)}, for ${field}, ${getter}` };
    getters.push(getter);
  }
  const at = (record: unknown, index: number) => meant(getters[index]!(record), meanings);
  const missing = (): FieldReading => {
    if (!REQUIRED.includes(field)) return {};
    const message = `${field} is missing: nothing is at ${paths.map((path) => JSON.stringify(path)).join(' or ')}`;
    return { rejection: { code: 'FIELD_MISSING', message, field } };
  };

  if ('allOf' in expression) {
    return {
      paths,
      read(record) {
        const parts = sources.map((_, index) => textOf(at(record, index)) ?? '');
        // Otherwise, every record with nothing there would be the same call.
        return parts.every((part) => part === '') ? missing() : check(joined(parts));
      },
    };
  }
  return {
    paths,
    read(record) {
      for (const [index, source] of sources.entries()) {
        const value = at(record, index);
        if (value !== undefined) return check(value, source);
      }
      return missing();
    },
  };
}

/** The value without spaces around it, and as what it means. Null and empty texts are absent. */
function meant(value: unknown, meanings: ReadonlyMap<string, string>): unknown {
  const trimmed = typeof value === 'string' ? value.trim() : value;
  const text = textOf(trimmed);
  const means = (text !== undefined ? meanings.get(text) : undefined) ?? trimmed;
  return means === null || means === '' ? undefined : means;
}

/** One text of several, which no other values give. */
function joined(parts: readonly string[]): string {
  return parts.map((part) => part.replace(/[\\|]/g, '\\$&')).join('|');
}
