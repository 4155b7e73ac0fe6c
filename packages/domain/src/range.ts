import { dayOf, firstDayOfMonth, firstDayOfWeek, monthOf, startOfDay, weekOf } from './periods.ts';

/** Half-open `[from, until)`, epoch milliseconds. */
export interface Range {
  from: number;
  until: number;
}

/** A range and its dates as shown. Sent back as parameters, they give the same range (`parseDateRange`). */
export interface EffectiveRange extends Range {
  startDate: string;
  endDate: string;
}

/** Days of the default window: the day of the range's end and the 30 days before it. */
export const defaultWindowDays = 31;

/** The UTC day, ISO week and month that hold `nowMs`. They are whole, so that calls slightly ahead of the clock count. */
export function dashboardWindows(nowMs: number): { today: Range; thisWeek: Range; thisMonth: Range } {
  const day = dayOf(nowMs);
  const week = weekOf(day);
  const month = monthOf(day);
  return {
    today: days(day, day + 1),
    thisWeek: days(firstDayOfWeek(week), firstDayOfWeek(week + 1)),
    thisMonth: days(firstDayOfMonth(month), firstDayOfMonth(month + 1)),
  };
}

function days(first: number, end: number): Range {
  return { from: startOfDay(first), until: startOfDay(end) };
}
