import { firstDayOfMonth, firstDayOfWeek, monthOf, weekOf } from './periods.ts';

/** What a time series is cut into: UTC days, ISO weeks or calendar months; the finest first. */
export const INTERVALS = ['day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

/** The period that holds a UTC day, as periods.ts counts days, weeks and months. */
export function periodOf(interval: Interval, day: number): number {
  if (interval === 'day') return day;
  return interval === 'week' ? weekOf(day) : monthOf(day);
}

/** The first UTC day of a period. */
export function firstDayOfPeriod(interval: Interval, period: number): number {
  if (interval === 'day') return period;
  return interval === 'week' ? firstDayOfWeek(period) : firstDayOfMonth(period);
}
