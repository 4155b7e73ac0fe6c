import { formatInstant } from './instants.ts';
import { DAY_MS, dayOf, startOfDay } from './periods.ts';
import type { EffectiveRange } from './range.ts';
import {
  FIRST_INSTANT,
  LAST_INSTANT,
  readTimestamp,
  type Timestamp,
  type TimestampFault,
} from './timestamp.ts';
import { defaultWindowDays } from './windows.ts';

export type DateParameter = 'start_date' | 'end_date';

/** Query values as a parser leaves them; a repeated parameter arrives as an array. */
export interface DateRangeInput {
  start_date?: string | readonly string[] | undefined;
  end_date?: string | readonly string[] | undefined;
}

export class DateRangeError extends Error {
  override readonly name = 'DateRangeError';
  readonly code: 'INVALID_DATE' | 'START_AFTER_END';
  readonly parameter: DateParameter;

  constructor(code: 'INVALID_DATE' | 'START_AFTER_END', parameter: DateParameter, message: string) {
    super(message);
    this.code = code;
    this.parameter = parameter;
  }
}

const FRACTION_DIGITS_MAX = 9;
const SHOWN_VALUE_LENGTH_MAX = 40;
const REMEDY = 'Write a date (2026-03-01) or a date-time (2026-03-01T00:00:00Z, or with an offset: +02:00).';
const FAULTS: Record<TimestampFault, string> = {
  form: 'is not an ISO 8601 date or date-time (a date alone takes no offset)',
  ambiguous: 'is either a time or an offset: put a T between date and time',
  day: 'names a day that is not in the calendar',
  time: 'names a time that is not on the clock',
  offset: 'has an offset beyond 23:59',
  years: 'lies outside the years 0001 to 9999 in UTC',
};

/**
 * The range that `start_date` and `end_date` ask for, each with its default.
 *
 * An end takes in all that its written precision covers, and one whose fraction is zero that whole second. The range
 * always holds a millisecond at least, and its dates, sent back, give the same range; where it ended now, at a whole
 * second, with what has started in that second since.
 *
 * @throws DateRangeError naming the parameter at fault and the remedy.
 */
export function parseDateRange(input: DateRangeInput, nowMs: number): EffectiveRange {
  if (input.start_date === undefined && input.end_date === undefined) return defaultRange(nowMs);
  const end = input.end_date === undefined ? endNow(nowMs) : readEnd(input.end_date);
  const from = input.start_date === undefined ? defaultFrom(end.until) : readStart(input.start_date);
  if (from >= end.until) {
    const endName = input.end_date === undefined ? 'now' : 'end_date';
    throw new DateRangeError(
      'START_AFTER_END',
      'start_date',
      `start_date (${formatInstant(from)}) is after ${endName} (${formatInstant(end.shownMs)}). Give a start_date that is not after the end.`,
    );
  }
  return applied(from, end);
}

let lastDefault: { nowMs: number; range: EffectiveRange } | undefined;

/**
 * The range applied without parameters: up to and with now, from the start of the day 30 days before. Remembered for as
 * long as the clock stands still: many dashboards are asked for in one millisecond, and dates are dear to write.
 */
export function defaultRange(nowMs: number): EffectiveRange {
  if (lastDefault?.nowMs !== nowMs) {
    const end = endNow(nowMs);
    lastDefault = { nowMs, range: Object.freeze(applied(defaultFrom(end.until), end)) };
  }
  return lastDefault.range;
}

interface End {
  until: number;
  shownMs: number;
  isNow?: boolean;
}

function applied(from: number, end: End): EffectiveRange {
  return {
    from,
    until: end.until,
    startDate: formatInstant(from),
    endDate: end.isNow || end.until > end.shownMs + 1 ? formatInstant(end.shownMs) : formatEnd(end.shownMs),
  };
}

/** An `end_date` that takes in this millisecond and nothing after it. */
export function formatEnd(lastMs: number): string {
  // Without a fraction, or with one that is zero, it would take in the whole second.
  return formatInstant(lastMs).replace(/:(\d\d)Z$/, ':$1.000001Z');
}

/** Shown as any instant, at a whole second too: what starts later in it is not there yet. */
function endNow(nowMs: number): End {
  return { until: nowMs + 1, shownMs: nowMs, isNow: true };
}

function defaultFrom(until: number): number {
  return Math.max(FIRST_INSTANT, startOfDay(dayOf(until - 1) - (defaultWindowDays - 1)));
}

function readStart(value: string | readonly string[]): number {
  const { floorMs, beyondMs } = read('start_date', value);
  // A call at .250 is before a start at .2505.
  const from = beyondMs ? floorMs + 1 : floorMs;
  if (from > LAST_INSTANT) throw invalid('start_date', value, 'years');
  return from;
}

function readEnd(value: string | readonly string[]): End {
  const { floorMs, precision, fractionDigits, beyondMs } = read('end_date', value);
  switch (precision) {
    case 'day':
      return { until: floorMs + DAY_MS, shownMs: floorMs + DAY_MS - 1000 };
    case 'minute':
      return { until: floorMs + 60_000, shownMs: floorMs + 59_000 };
    case 'second':
      return { until: floorMs + 1000, shownMs: floorMs };
    case 'fraction': {
      // What programs write for a whole second: `…:15.000Z`.
      if (floorMs % 1000 === 0 && !beyondMs) return { until: floorMs + 1000, shownMs: floorMs };
      const until = floorMs + 10 ** Math.max(0, 3 - fractionDigits);
      return { until, shownMs: until - 1 };
    }
  }
}

function read(parameter: DateParameter, value: string | readonly string[]): Timestamp {
  if (typeof value !== 'string') {
    throw new DateRangeError(
      'INVALID_DATE',
      parameter,
      `${parameter} is given more than once. Give it once.`,
    );
  }
  if (value === '') {
    throw new DateRangeError(
      'INVALID_DATE',
      parameter,
      `${parameter} is empty. ${REMEDY} Or leave the parameter out.`,
    );
  }
  const timestamp = readTimestamp(value);
  if (typeof timestamp === 'string') throw invalid(parameter, value, timestamp);
  if (timestamp.fractionDigits > FRACTION_DIGITS_MAX) throw invalid(parameter, value, 'form');
  return timestamp;
}

function invalid(
  parameter: DateParameter,
  value: string | readonly string[],
  fault: TimestampFault,
): DateRangeError {
  const text = String(value);
  const shown = text.length > SHOWN_VALUE_LENGTH_MAX ? `${text.slice(0, SHOWN_VALUE_LENGTH_MAX)}…` : text;
  return new DateRangeError(
    'INVALID_DATE',
    parameter,
    `${parameter} ${JSON.stringify(shown)} ${FAULTS[fault]}. ${REMEDY}`,
  );
}
