import { parseInstant } from '@calltally/domain';
import { floorDivide, floorTimes, readDecimal } from './decimal.ts';
import { localInstant } from './local-time.ts';
import { readRfc2822 } from './rfc-2822.ts';

/** Nanoseconds of a unit that epoch times and durations are counted in. */
export const UNIT_NS = { s: 1_000_000_000n, ms: 1_000_000n, us: 1_000n, ns: 1n } as const;

export type TimeUnit = keyof typeof UNIT_NS | 'text';

/** Completes "it must be …" of a time that is written as text. */
const TEXT_RULE =
  'a time such as 2026-03-01T09:30:00Z, 2026-03-01 09:30:00 or Sun, 01 Mar 2026 09:30:00 +0000, or a number whose unit is given (:s, :ms, :us or :ns)';

const DATE_TIME =
  /^(\d{4})[-/](\d{2})[-/](\d{2})[Tt ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,40}))?)?(?: ?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?$/;

/** A time as an event has it, or what is wrong with the value, as the rest of a sentence about it. */
export type ReadTime = { time: string; fault?: never } | { fault: string; time?: never };

/**
 * Reads a time, to the nanosecond.
 *
 * @param unit of a time since 1970-01-01T00:00Z, or `text` (the default): RFC 3339, a date and time, RFC 2822
 * @param timeZone of texts without an offset
 * @returns RFC 3339 with offset
 */
export function readTime(value: unknown, unit: TimeUnit | undefined, timeZone: string | undefined): ReadTime {
  const time =
    unit === undefined || unit === 'text' ? readText(value, timeZone) : readEpoch(value, UNIT_NS[unit]);
  if (time === undefined) {
    return { fault: `it must be ${unit === undefined || unit === 'text' ? TEXT_RULE : epochRule(unit)}` };
  }
  if (time === 'zoneless') return { fault: 'it has no offset; say the time zone of such times' };
  // Whatever got here looks like a time; the day or the hour may still not exist.
  return parseInstant(time) === undefined ? { fault: 'there is no such time; correct it' } : { time };
}

function epochRule(unit: keyof typeof UNIT_NS): string {
  const name = { s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' }[unit];
  return `a number of ${name} since 1970; write another unit (:s, :ms, :us, :ns), or none for a time as text`;
}

function readEpoch(value: unknown, unitNs: bigint): string | undefined {
  const decimal = readDecimal(value);
  if (decimal === undefined) return undefined;
  const ns = floorTimes(decimal, unitNs);
  const seconds = floorDivide(ns, UNIT_NS.s);
  const date = new Date(Number(seconds) * 1_000);
  // JavaScript's dates go far beyond the four digits of a year.
  if (Number.isNaN(date.getTime())) return 'no time';
  const fraction = String(ns - seconds * UNIT_NS.s)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return date.toISOString().replace('.000Z', `${fraction === '' ? '' : '.'}${fraction}Z`);
}

function readText(value: unknown, timeZone: string | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  const parts = DATE_TIME.exec(value);
  if (parts === null) return readRfc2822(value);
  const [, year, month, day, minute, second = '00', fraction, offset] = parts;
  const digits = fraction === undefined ? '' : `.${fraction.slice(0, 9)}`;
  const local = `${year}-${month}-${day}T${minute}:${second}${digits}`;
  if (offset !== undefined) return local + rfc3339Offset(offset);
  return timeZone === undefined ? 'zoneless' : localInstant(local, timeZone);
}

/** `+0100` and `+01` as `+01:00`. */
function rfc3339Offset(offset: string): string {
  if (!/^[+-]/.test(offset)) return 'Z';
  const digits = offset.replace(':', '').padEnd(5, '0');
  return `${digits.slice(0, 3)}:${digits.slice(3)}`;
}
