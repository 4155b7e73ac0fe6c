import { formatInstant } from './instants.ts';
import { endsNow, type NamedPeriod, rangeOfPeriod } from './named-periods.ts';
import { dayOf } from './periods.ts';
import type { EffectiveRange, Range } from './range.ts';
import { defaultWindowDays } from './range.ts';
import { readTimeZone } from './time-zones.ts';
import {
  FIRST_INSTANT,
  LAST_INSTANT,
  readTimestamp,
  type Timestamp,
  type TimestampFault,
} from './timestamp.ts';
import { clockOf, UTC_CLOCK, type ZoneClock } from './zone-clock.ts';

export type DateParameter = 'start_date' | 'end_date';

/** Parsed query values; a repeated parameter is an array. */
export interface DateRangeInput {
  start_date?: string | readonly string[] | undefined;
  end_date?: string | readonly string[] | undefined;
  /** Instead of the dates. */
  period?: NamedPeriod | undefined;
  /** A name of IANA. Default: UTC. */
  time_zone?: string | undefined;
}

export class DateRangeError extends Error {
  override readonly name = 'DateRangeError';

  constructor(
    readonly code: 'INVALID_DATE' | 'START_AFTER_END' | 'INVALID_PARAMETER',
    readonly parameter: DateParameter | 'period' | 'compare',
    message: string,
  ) {
    super(message);
  }
}

const FRACTION_DIGITS_MAX = 9;
const SHOWN_VALUE_LENGTH_MAX = 40;
const REMEDY = 'Write a date (2026-03-01) or a date-time (2026-03-01T00:00:00Z, or with an offset: +02:00).';
const FAULTS: Record<TimestampFault, string> = {
  form: 'is not an ISO 8601 date or date-time (a date alone has no offset)',
  ambiguous: 'may be a time or an offset: put a T between date and time',
  day: 'has a day that does not exist',
  time: 'has a time that does not exist',
  offset: 'has an offset beyond 23:59',
  years: 'is outside the years 0001 to 9999 in UTC',
};

/**
 * The range of `period`, or else from `start_date` to `end_date`, each with its default.
 *
 * The end includes everything that its written precision covers; a fraction of zero covers the whole second. The range
 * holds at least one millisecond. Its dates, sent back, give the same range; if it ended now, at a whole second, they also
 * include what has started in that second since.
 *
 * Periods, dates without an offset and the default window are of `time_zone`.
 *
 * @throws DateRangeError with the parameter, its fault and the remedy; TimeZoneError.
 */
export function parseDateRange(input: DateRangeInput, nowMs: number): EffectiveRange {
  const timeZone = readTimeZone(input.time_zone);
  if (timeZone === undefined) return rangeBy(UTC_CLOCK, input, nowMs);
  return { ...rangeBy(clockOf(timeZone), input, nowMs), timeZone };
}

function rangeBy(clock: ZoneClock, input: DateRangeInput, nowMs: number): EffectiveRange {
  if (input.period !== undefined) return periodRange(input.period, input, nowMs, clock);
  const isDefault = input.start_date === undefined && input.end_date === undefined;
  if (isDefault && clock === UTC_CLOCK) return defaultRange(nowMs);
  const end = input.end_date === undefined ? endNow(nowMs) : readEnd(input.end_date, clock);
  const from =
    input.start_date === undefined ? defaultFrom(end.until, clock) : readStart(input.start_date, clock);
  if (from >= end.until) {
    const endName = input.end_date === undefined ? 'now' : 'end_date';
    throw new DateRangeError(
      'START_AFTER_END',
      'start_date',
      `start_date (${clock.format(from)}) is after ${endName} (${clock.format(end.shownMs)}). Give a start_date that is not after the end.`,
    );
  }
  return applied(from, end, clock);
}

function periodRange(
  period: NamedPeriod,
  input: DateRangeInput,
  nowMs: number,
  clock: ZoneClock,
): EffectiveRange {
  for (const date of ['start_date', 'end_date'] as const) {
    if (input[date] === undefined) continue;
    const message = `period and ${date} are both given. Give one or the other.`;
    throw new DateRangeError('INVALID_PARAMETER', 'period', message);
  }
  const range = rangeOfPeriod(period, nowMs, clock);
  return endsNow(period) ? applied(range.from, endNow(nowMs), clock) : effectiveRangeOf(range, clock);
}

let lastDefault: { nowMs: number; range: EffectiveRange } | undefined;

/**
 * The range without parameters: from the start of the day 30 days ago through now. Cached for the current millisecond,
 * because formatting dates is expensive and many dashboards may be read within it.
 */
export function defaultRange(nowMs: number): EffectiveRange {
  if (lastDefault?.nowMs !== nowMs) {
    const end = endNow(nowMs);
    lastDefault = { nowMs, range: Object.freeze(applied(defaultFrom(end.until, UTC_CLOCK), end, UTC_CLOCK)) };
  }
  return lastDefault.range;
}

/** A range of any two instants, with the dates that mean it to the millisecond. */
export function effectiveRangeOf({ from, until }: Range, clock = UTC_CLOCK): EffectiveRange {
  return applied(from, { until, shownMs: until % 1000 === 0 ? until - 1000 : until - 1 }, clock);
}

interface End {
  until: number;
  shownMs: number;
  isNow?: boolean;
}

function applied(from: number, end: End, { format }: ZoneClock): EffectiveRange {
  return {
    from,
    until: end.until,
    startDate: format(from),
    endDate: end.isNow || end.until > end.shownMs + 1 ? format(end.shownMs) : formatEnd(end.shownMs, format),
  };
}

/** An `end_date` that includes this millisecond and nothing after it. */
export function formatEnd(lastMs: number, format = formatInstant): string {
  // Without a fraction, or with a zero one, it would include the whole second.
  return format(lastMs).replace(/:(\d\d)(?=(?:Z|[+-]\d\d:\d\d)$)/, ':$1.000001');
}

/** Shown like any instant, even at a whole second: calls that start later in it do not exist yet. */
function endNow(nowMs: number): End {
  return { until: nowMs + 1, shownMs: nowMs, isNow: true };
}

function defaultFrom(until: number, clock: ZoneClock): number {
  return Math.max(FIRST_INSTANT, clock.startOfDay(clock.dayAt(until - 1) - (defaultWindowDays - 1)));
}

function readStart(value: string | readonly string[], clock: ZoneClock): number {
  const { floorMs, beyondMs } = read('start_date', value, clock);
  // A call at .250 is before a start at .2505.
  const from = beyondMs ? floorMs + 1 : floorMs;
  if (from > LAST_INSTANT) throw invalid('start_date', value, 'years');
  return from;
}

function readEnd(value: string | readonly string[], clock: ZoneClock): End {
  const { floorMs, precision, fractionDigits, beyondMs, localMs } = read('end_date', value, clock);
  switch (precision) {
    case 'day': {
      const until = Math.min(LAST_INSTANT + 1, clock.startOfDay(dayOf(localMs) + 1));
      return { until, shownMs: until - 1000 };
    }
    case 'minute':
      return { until: floorMs + 60_000, shownMs: floorMs + 59_000 };
    case 'second':
      return { until: floorMs + 1000, shownMs: floorMs };
    case 'fraction': {
      // Programs write `…:15.000Z` for a whole second.
      if (floorMs % 1000 === 0 && !beyondMs) return { until: floorMs + 1000, shownMs: floorMs };
      const until = floorMs + 10 ** Math.max(0, 3 - fractionDigits);
      return { until, shownMs: until - 1 };
    }
  }
}

/** @returns also the time as it is written, as if it were UTC */
function read(
  parameter: DateParameter,
  value: string | readonly string[],
  clock: ZoneClock,
): Timestamp & { localMs: number } {
  const invalidDate = (message: string) => new DateRangeError('INVALID_DATE', parameter, message);
  if (typeof value !== 'string') throw invalidDate(`${parameter} is given more than once. Give it once.`);
  if (value === '') throw invalidDate(`${parameter} is empty. ${REMEDY} Or leave the parameter out.`);
  const timestamp = readTimestamp(value);
  if (typeof timestamp === 'string') throw invalid(parameter, value, timestamp);
  if (timestamp.fractionDigits > FRACTION_DIGITS_MAX) throw invalid(parameter, value, 'form');
  const localMs = timestamp.floorMs;
  const floorMs = timestamp.hasOffset ? localMs : clock.instantOf(localMs);
  if (floorMs < FIRST_INSTANT || floorMs > LAST_INSTANT) throw invalid(parameter, value, 'years');
  return { ...timestamp, floorMs, localMs };
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
