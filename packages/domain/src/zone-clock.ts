import { formatInstant } from './instants.ts';
import type { DayCalendar } from './named-periods.ts';
import { dayOf, startOfDay } from './periods.ts';
import { zoneCalendar } from './zone-calendar.ts';
import { formatZoned } from './zoned-instants.ts';

/** How dates are understood and shown. */
export interface ZoneClock extends DayCalendar {
  /** The instant of a local time, `compatible` as in Temporal. @param localMs as if UTC */
  instantOf(localMs: number): number;
  format(ms: number): string;
}

export const UTC_CLOCK: ZoneClock = {
  dayAt: dayOf,
  startOfDay,
  instantOf: (localMs) => localMs,
  format: formatInstant,
};

/** @param timeZone as `timeZoneNamed` gives it */
export function clockOf(timeZone: string): ZoneClock {
  if (timeZone === 'UTC') return UTC_CLOCK;
  const calendar = zoneCalendar(timeZone);
  return {
    dayAt: (ms) => calendar.dayAt(ms),
    startOfDay: (day) => calendar.startOfDay(day),
    instantOf: (localMs) => calendar.instantOf(localMs),
    format: (ms) => formatZoned(ms, timeZone),
  };
}
