import type { MappedField } from './mapping.ts';
import type { DurationUnit } from './read-duration.ts';
import type { TimeUnit } from './read-time.ts';

export type Unit = TimeUnit | DurationUnit;

/** Where a value may be: a path of JSON or a column, and the unit of what is there. */
export interface Source {
  path: string;
  unit?: Unit;
}

export type Expression =
  /** `=inbound`: always this text. */
  | { constant: string }
  /** `start_epoch:s`, or `answered_at | created_at`: the first one that holds a value. */
  | { anyOf: readonly Source[] }
  /** `uniqueid + sequence`: all of them, as one id. */
  | { allOf: readonly Source[] };

const TIME_UNITS: readonly Unit[] = ['text', 's', 'ms', 'us', 'ns'];
const UNITS: Partial<Record<MappedField, readonly Unit[]>> = {
  started_at: TIME_UNITS,
  ended_at: TIME_UNITS,
  duration_seconds: ['s', 'ms', 'us', 'ns', 'min', 'h', 'clock'],
};

/**
 * Parses where a field's value comes from. Only times and durations have a unit, behind the last colon; elsewhere a colon
 * belongs to the name, as all characters do except ` | ` and ` + ` with their spaces.
 */
export function parseExpression(field: MappedField, text: string): Expression | { fault: string } {
  if (text.startsWith('=')) return { constant: text.slice(1) };
  const joined = text.split(' + ');
  const alternatives = text.split(' | ');
  if (joined.length > 1 && alternatives.length > 1) {
    return fault(field, text, 'has both " + " and " | "; use one of them');
  }
  if (joined.length > 1 && field !== 'call_id') {
    return fault(field, text, 'joins values, which only call_id can; name one of them');
  }
  const sources = (joined.length > 1 ? joined : alternatives).map((part) => sourceOf(field, part));
  const wrong = sources.find((source) => typeof source === 'string');
  if (wrong !== undefined) return fault(field, text, wrong);
  return joined.length > 1 ? { allOf: sources as Source[] } : { anyOf: sources as Source[] };
}

/** @returns what is wrong with it, as the rest of a sentence */
function sourceOf(field: MappedField, text: string): Source | string {
  const units = UNITS[field];
  const colon = text.lastIndexOf(':');
  if (units === undefined || colon === -1) {
    return text.trim() === '' ? 'names nothing; write a path or a column' : { path: text.trim() };
  }
  const path = text.slice(0, colon).trim();
  const unit = text.slice(colon + 1).trim();
  if (path === '') return 'names nothing before the unit; write a path or a column';
  if (!(units as readonly string[]).includes(unit)) {
    return `has the unknown unit ${JSON.stringify(unit)}; write one of ${units.join(', ')}, also behind a name that has a colon itself`;
  }
  return { path, unit: unit as Unit };
}

function fault(field: MappedField, text: string, what: string): { fault: string } {
  return { fault: `${field}=${text} ${what}` };
}
