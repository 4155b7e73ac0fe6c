import { DAY_MS, firstDayOfMonth, startOfDay } from './periods.ts';

/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: the years that four digits can express. */
export const FIRST_INSTANT = startOfDay(firstDayOfMonth((1 - 1970) * 12));
export const LAST_INSTANT = startOfDay(firstDayOfMonth((10_000 - 1970) * 12)) - 1;

/** A parsed date or date-time. `floorMs` is its first instant in epoch ms; finer digits are cut off. */
export interface Timestamp {
  floorMs: number;
  precision: 'day' | 'minute' | 'second' | 'fraction';
  /** Number of digits of the fraction; 0 without one. */
  fractionDigits: number;
  /** Whether any digit that was cut off is not zero. */
  beyondMs: boolean;
  /** Whether it is written with an offset or `Z`. */
  hasOffset: boolean;
}

/** Why a text is not a timestamp. `ambiguous`: `2026-03-01 02:00` is a time, or an offset whose `+` was not escaped. */
export type TimestampFault = 'form' | 'ambiguous' | 'day' | 'time' | 'offset' | 'years';

// A space as a sign is a `+` that was not escaped in a URL.
const GRAMMAR =
  /^(\d{4})-(\d{2})-(\d{2})(?:([Tt ])(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|([+\- ])(\d{2})(?::?(\d{2}))?)?)?$/;

/** Parses ISO 8601 in all forms that clients write; UTC if there is no offset. */
export function readTimestamp(text: string): Timestamp | TimestampFault {
  const timestamp = readTimestampOfAnyYear(text);
  if (typeof timestamp === 'string') return timestamp;
  const { floorMs } = timestamp;
  const isInYears = floorMs >= FIRST_INSTANT && floorMs <= LAST_INSTANT && !text.startsWith('0000');
  return isInYears ? timestamp : 'years';
}

/** As `readTimestamp`, but also accepts instants outside the years 0001–9999 (year 0000, or by an offset). */
export function readTimestampOfAnyYear(text: string): Timestamp | Exclude<TimestampFault, 'years'> {
  // Most dates, without a regular expression.
  const usual = text.length === 10 && text[4] === '-' && text[7] === '-' ? plainDay(text) : undefined;
  if (usual !== undefined) return wholeDay(usual);
  const parts = GRAMMAR.exec(text);
  if (parts === null) return 'form';
  const [, year, month, day, separator, hour, minute, second, fraction, zone] = parts;
  const [sign, offsetHour, offsetMinute] = parts.slice(10);

  const floorOfDay = dayMs(Number(year), Number(month), Number(day));
  if (floorOfDay === undefined) return 'day';
  if (hour === undefined) return wholeDay(floorOfDay);
  if (separator === ' ' && second === undefined && zone === undefined) return 'ambiguous';

  const time = clockMs(Number(hour), Number(minute), Number(second ?? 0));
  if (time === undefined) return 'time';
  const offset = clockMs(Number(offsetHour ?? 0), Number(offsetMinute ?? 0), 0);
  if (offset === undefined) return 'offset';

  const digits = fraction ?? '';
  const fractionMs = Number(digits.slice(0, 3).padEnd(3, '0'));
  const floorMs = floorOfDay + time + fractionMs + (sign === '-' ? offset : -offset);
  return {
    floorMs,
    precision: second === undefined ? 'minute' : fraction === undefined ? 'second' : 'fraction',
    fractionDigits: digits.length,
    beyondMs: /[1-9]/.test(digits.slice(3)),
    hasOffset: zone !== undefined,
  };
}

function wholeDay(floorMs: number): Timestamp {
  return { floorMs, precision: 'day', fractionDigits: 0, beyondMs: false, hasOffset: false };
}

/** First instant of `2026-03-01`; undefined if something is wrong with it. */
function plainDay(text: string): number | undefined {
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 7), digits(text, 8, 10)];
  return Number.isNaN(year + month + day) ? undefined : dayMs(year, month, day);
}

/** These characters as a number; NaN if one is not a digit. */
export function digits(text: string, from: number, until: number): number {
  let number = 0;
  for (let i = from; i < until; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** First instant of a date; undefined if there is no such day. */
export function dayMs(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined;
  const months = (year - 1970) * 12 + month - 1;
  const first = firstDayOfMonth(months);
  return first + day > firstDayOfMonth(months + 1) ? undefined : startOfDay(first + day - 1);
}

/** Milliseconds since midnight; undefined if there is no such time. */
export function clockMs(hour: number, minute: number, second: number): number | undefined {
  const ms = ((hour * 60 + minute) * 60 + second) * 1000;
  return minute > 59 || second > 59 || ms >= DAY_MS ? undefined : ms;
}
