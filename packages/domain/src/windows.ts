import { dayOf, firstDayOfMonth, firstDayOfWeek, monthOf, startOfDay, weekOf } from './periods.ts';
import type { Range } from './range.ts';

/** Days of the window used when no `start_date` is given: the day of the applied end and the 30 before. */
export const defaultWindowDays = 31;

/** UTC day, ISO week and calendar month that hold `nowMs`, whole: calls a little ahead of the clock count. */
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
