import { dayOf, firstDayOfMonth, firstDayOfWeek, monthOf, startOfDay, weekOf } from './periods.ts';
import type { Range } from './range.ts';
import { zoneCalendar } from './zone-calendar.ts';

/** The current day, ISO week and calendar month. They are whole, so that calls slightly ahead of the clock count. */
export interface DashboardWindows {
  today: Range;
  thisWeek: Range;
  thisMonth: Range;
}

/** The windows that hold `nowMs`, in UTC or in a time zone, which `timeZoneNamed` gives. */
export function dashboardWindows(nowMs: number, timeZone = 'UTC'): DashboardWindows {
  if (timeZone !== 'UTC') {
    const { day, week, month } = zoneCalendar(timeZone).periodsAt(nowMs);
    return { today: day, thisWeek: week, thisMonth: month };
  }
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
