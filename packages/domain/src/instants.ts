import { startOfDay } from './periods.ts';
import { clockMs, dayMs, digits, readTimestampOfAnyYear } from './timestamp.ts';

// Stricter than `readTimestamp`: leniency helps people who write URLs, but would hide faults of producers.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Epoch milliseconds of an RFC 3339 date-time with offset; finer digits are cut off. The result may lie outside the years
 * 0001–9999, to which the other functions are limited, because of the year 0000 or an offset.
 * Undefined for anything else: no offset, no such day, second 60 (which epoch time cannot represent).
 */
export function parseInstant(text: string): number | undefined {
  const usual = readUsual(text);
  if (usual !== undefined) return usual;
  if (!RFC3339.test(text)) return undefined;
  const timestamp = readTimestampOfAnyYear(text);
  return typeof timestamp === 'string' ? undefined : timestamp.floorMs;
}

/**
 * Fast path without a regular expression for what most producers write: `2026-03-01T09:30:00Z`, with or without `.fff`.
 * Undefined for everything else, which the full grammar decides.
 */
function readUsual(text: string): number | undefined {
  const { length } = text;
  if (length !== 20 && length !== 24) return undefined;
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':')
    return undefined;
  if (text[length - 1] !== 'Z' || (length === 24 && text[19] !== '.')) return undefined;
  const day = dayMs(digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10));
  const time = clockMs(digits(text, 11, 13), digits(text, 14, 16), digits(text, 17, 19));
  if (day === undefined || time === undefined) return undefined;
  const instant = day + time + (length === 24 ? digits(text, 20, 23) : 0);
  return Number.isNaN(instant) ? undefined : instant;
}

/** `2026-03-01T00:00:00Z`, with `.fff` unless the milliseconds are zero. For the years 0001–9999. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** `2026-03-01`, for a UTC day of the years 0001–9999. */
export function formatDay(day: number): string {
  return new Date(startOfDay(day)).toISOString().slice(0, 10);
}
