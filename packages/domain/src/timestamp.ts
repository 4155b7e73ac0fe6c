import { DAY_MS, firstDayOfMonth, startOfDay } from './periods.ts';

/** 0001-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z: what four digits of a year can say. */
export const FIRST_INSTANT = startOfDay(firstDayOfMonth((1 - 1970) * 12));
export const LAST_INSTANT = startOfDay(firstDayOfMonth((10_000 - 1970) * 12)) - 1;

/** A date or date-time as it was written. `floorMs`: its first instant, epoch ms, finer digits cut off. */
export interface Timestamp {
  floorMs: number;
  precision: 'day' | 'minute' | 'second' | 'fraction';
  /** Digits of the fraction as written; 0 without one. */
  fractionDigits: number;
  /** Whether digits that were cut off say more than zero. */
  beyondMs: boolean;
}

/** Why a text is no timestamp. `ambiguous`: `2026-03-01 02:00`, a time or a date with an offset that lost its `+`. */
export type TimestampFault = 'form' | 'ambiguous' | 'day' | 'time' | 'offset' | 'years';

// A sign that is a space is a `+` that was not escaped in a URL.
const GRAMMAR =
  /^(\d{4})-(\d{2})-(\d{2})(?:([Tt ])(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|([+\- ])(\d{2})(?::?(\d{2}))?)?)?$/;

/** Reads ISO 8601 as widely as clients write it; without an offset it is UTC. */
export function readTimestamp(text: string): Timestamp | TimestampFault {
  const timestamp = readTimestampOfAnyYear(text);
  if (typeof timestamp === 'string') return timestamp;
  return isWithinYears(timestamp.floorMs) && !text.startsWith('0000') ? timestamp : 'years';
}

/** The same, for instants too that the year 0000 or an offset puts outside the years 0001–9999. */
export function readTimestampOfAnyYear(text: string): Timestamp | Exclude<TimestampFault, 'years'> {
  const parts = GRAMMAR.exec(text);
  if (parts === null) return 'form';
  const [
    ,
    year,
    month,
    day,
    separator,
    hour,
    minute,
    second,
    fraction,
    zone,
    sign,
    offsetHour,
    offsetMinute,
  ] = parts;

  const floorOfDay = dayMs(Number(year), Number(month), Number(day));
  if (floorOfDay === undefined) return 'day';
  if (hour === undefined) {
    return { floorMs: floorOfDay, precision: 'day', fractionDigits: 0, beyondMs: false };
  }
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
  };
}

function isWithinYears(ms: number): boolean {
  return ms >= FIRST_INSTANT && ms <= LAST_INSTANT;
}

function dayMs(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1) return undefined;
  const months = (year - 1970) * 12 + month - 1;
  const first = firstDayOfMonth(months);
  return first + day > firstDayOfMonth(months + 1) ? undefined : startOfDay(first + day - 1);
}

function clockMs(hour: number, minute: number, second: number): number | undefined {
  const ms = ((hour * 60 + minute) * 60 + second) * 1000;
  return minute > 59 || second > 59 || ms >= DAY_MS ? undefined : ms;
}
