import { firstDayOfMonth, startOfDay } from './periods.ts';
import { readTimestampOfAnyYear } from './timestamp.ts';

// Strict: what `readTimestamp` forgives a person at a URL would hide a fault in a producer.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Epoch milliseconds of an RFC 3339 date-time with offset; digits finer than a millisecond are cut off. The year 0000 and
 * offsets reach beyond the years 0001–9999, which are all that the other functions here write.
 * Undefined for anything else: no offset, no such day, second 60 (epoch time has no place for it).
 */
export function parseInstant(text: string): number | undefined {
  const usual = readUsual(text);
  if (usual !== undefined) return usual;
  if (!RFC3339.test(text)) return undefined;
  const timestamp = readTimestampOfAnyYear(text);
  return typeof timestamp === 'string' ? undefined : timestamp.floorMs;
}

/**
 * The form that most producers write, `2026-03-01T09:30:00Z` with or without `.fff`, without a regular expression.
 * Undefined where it is another form, or no instant: then the grammar decides.
 */
function readUsual(text: string): number | undefined {
  const { length } = text;
  if (length !== 20 && length !== 24) return undefined;
  if (text[4] !== '-' || text[7] !== '-' || text[10] !== 'T' || text[13] !== ':' || text[16] !== ':')
    return undefined;
  if (text[length - 1] !== 'Z' || (length === 24 && text[19] !== '.')) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  const ms = length === 24 ? digits(text, 20, 23) : 0;
  // What is no digit is NaN, and no comparison with it holds.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1)) return undefined;
  if (!(hour <= 23 && minute <= 59 && second <= 59 && ms >= 0)) return undefined;
  const months = (year - 1970) * 12 + month - 1;
  const today = firstDayOfMonth(months) + day - 1;
  if (today >= firstDayOfMonth(months + 1)) return undefined;
  return startOfDay(today) + ((hour * 60 + minute) * 60 + second) * 1000 + ms;
}

/** The number that these characters say; NaN where one of them is no digit. */
function digits(text: string, from: number, until: number): number {
  let number = 0;
  for (let i = from; i < until; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** `2026-03-01T00:00:00Z`, with `.fff` only where the milliseconds are not zero. For the years 0001–9999. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** `2026-03-01`, for a UTC day of the years 0001–9999. */
export function formatDay(day: number): string {
  return new Date(startOfDay(day)).toISOString().slice(0, 10);
}
