import type { DashboardQuery } from '@calltally/client';
import { dayOf, dayOfMonth, type SeriesInterval } from '@calltally/domain';
import { dateOfDay, dayOfDate } from './days.ts';
import { nameOfZone, UTC } from './zones.ts';

/** The range that a person chose. Days are those of the chosen time zone, `last` inclusive. */
export type Choice = { kind: RunningKind } | { kind: 'custom'; first: number; last: number };
type RunningKind = (typeof RUNNING)[number];

/** Days of the chosen time zone, `last` inclusive. */
export interface Days {
  first: number;
  last: number;
}

const RUNNING = ['today', '7d', '30d', 'month'] as const;
export const USUAL_CHOICE: Choice = { kind: '30d' };

/** Calls before 2000 are rejected. */
export const FIRST_DAY = dayOf(Date.UTC(2000, 0, 1));
const DAYS_BY_HOUR_MAX = 7;
const DAYS_BY_DAY_MAX = 92;
const DAYS_BY_WEEK_MAX = 2 * 366;

/** The days of a choice. @param today the server's day in the chosen time zone */
export function daysOf(choice: Choice, today: number): Days {
  switch (choice.kind) {
    case 'today':
      return { first: today, last: today };
    case '7d':
      return { first: today - 6, last: today };
    case '30d':
      return { first: today - 29, last: today };
    case 'month':
      return { first: firstOfMonth(today), last: today };
    case 'custom':
      return { first: choice.first, last: choice.last };
  }
}

function firstOfMonth(day: number): number {
  return day - dayOfMonth(day) + 1;
}

/** The days of the chart: the range, and before a single day six more, since one bar tells little. A day of hours needs none. */
export function chartedOf({ first, last }: Days, interval: SeriesInterval): Days {
  return { first: first === last && interval !== 'hour' ? last - 6 : first, last };
}

/**
 * The API's parameters for a choice. A named range has no end: it ends now, whenever it is read.
 * @param first default: the first day of the choice
 */
export function queryOf(choice: Choice, today: number, first = daysOf(choice, today).first): DashboardQuery {
  const { last } = daysOf(choice, today);
  return { start_date: dateOfDay(first), end_date: choice.kind === 'custom' ? dateOfDay(last) : undefined };
}

/** Whether a range is short enough to be shown by hour. */
export function hasHours({ first, last }: Days): boolean {
  return last - first < DAYS_BY_HOUR_MAX;
}

/** Hours if they are wanted and not too many; else the interval that gives the chart neither thousands of bars nor a handful. */
export function intervalOf({ first, last }: Days, isByHour: boolean): SeriesInterval {
  if (isByHour && hasHours({ first, last })) return 'hour';
  const days = last - first + 1;
  if (days <= DAYS_BY_DAY_MAX) return 'day';
  return days <= DAYS_BY_WEEK_MAX ? 'week' : 'month';
}

/** The choice in the page's address, if any: `?range=7d` or `?start=2026-03-01&end=2026-03-28`. */
export function choiceOfAddress(search: string): Choice | undefined {
  const parameters = new URLSearchParams(search);
  const kind = RUNNING.find((name) => name === parameters.get('range'));
  if (kind !== undefined) return { kind };
  const first = dayOfDate(parameters.get('start') ?? '');
  const last = dayOfDate(parameters.get('end') ?? '');
  if (first === undefined || last === undefined || first > last || first < FIRST_DAY) return undefined;
  return { kind: 'custom', first, last };
}

export function addressOf(choice: Choice): string {
  if (choice.kind !== 'custom') return `?range=${choice.kind}`;
  return `?start=${dateOfDay(choice.first)}&end=${dateOfDay(choice.last)}`;
}

/** Why two dates are no range, and which one to correct. */
export interface DatesFault {
  field: 'start' | 'end';
  message: string;
}

/** Parses the dates of a custom range, of a time zone. */
export function readDates(start: string, end: string, today: number, timeZone: string): Choice | DatesFault {
  const first = dayOfDate(start);
  const last = dayOfDate(end);
  if (first === undefined) return { field: 'start', message: 'Enter the first day of the range.' };
  if (last === undefined) return { field: 'end', message: 'Enter the last day of the range.' };
  if (first < FIRST_DAY) return { field: 'start', message: 'There are no calls before the year 2000.' };
  const future = `is in the future (days are ${timeZone === UTC ? UTC : `of ${nameOfZone(timeZone)}`}).`;
  if (first > today) return { field: 'start', message: `The first day ${future}` };
  if (last > today) return { field: 'end', message: `The last day ${future}` };
  if (first > last) return { field: 'end', message: 'The last day is before the first.' };
  return { kind: 'custom', first, last };
}
