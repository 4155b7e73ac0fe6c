import { dayOf, firstDayOfMonth, firstDayOfWeek, monthOf, startOfDay, weekOf } from './periods.ts';
import type { Range } from './range.ts';

/** Where days begin: in UTC, or in a time zone. A day is a count since 1970-01-01. */
export interface DayCalendar {
  /** The day that holds an instant, epoch ms. */
  dayAt(ms: number): number;
  /** The first instant of a day, epoch ms. */
  startOfDay(day: number): number;
}

const UTC: DayCalendar = { dayAt: dayOf, startOfDay };

/** What a calendar consists of: its units are numbered, and begin with a day. */
const UNITS = {
  day: { of: (day: number) => day, firstDay: (day: number) => day },
  week: { of: weekOf, firstDay: firstDayOfWeek },
  month: { of: monthOf, firstDay: firstDayOfMonth },
  year: {
    of: (day: number) => Math.floor(monthOf(day) / 12),
    firstDay: (year: number) => firstDayOfMonth(year * 12),
  },
} as const;

/** So many days through now; or a unit, of which the present one, `ago` 0, ends now. */
type Meaning = { days: number } | { unit: keyof typeof UNITS; ago: 0 | 1 };

const MEANINGS = {
  today: { unit: 'day', ago: 0 },
  yesterday: { unit: 'day', ago: 1 },
  '7d': { days: 7 },
  '30d': { days: 30 },
  '90d': { days: 90 },
  this_week: { unit: 'week', ago: 0 },
  last_week: { unit: 'week', ago: 1 },
  this_month: { unit: 'month', ago: 0 },
  last_month: { unit: 'month', ago: 1 },
  this_year: { unit: 'year', ago: 0 },
  last_year: { unit: 'year', ago: 1 },
} as const satisfies Record<string, Meaning>;

/** A range that is told by its name, and so moves with the clock. */
export type NamedPeriod = keyof typeof MEANINGS;
export const NAMED_PERIODS = Object.keys(MEANINGS) as readonly NamedPeriod[];

/** Whether a period ends with the present millisecond. */
export function endsNow(period: NamedPeriod): boolean {
  const meaning: Meaning = MEANINGS[period];
  return 'days' in meaning || meaning.ago === 0;
}

/** The range that a period means at `nowMs`, which is in it if the period ends now. */
export function rangeOfPeriod(period: NamedPeriod, nowMs: number, calendar: DayCalendar = UTC): Range {
  const meaning: Meaning = MEANINGS[period];
  const today = calendar.dayAt(nowMs);
  if ('days' in meaning) {
    return { from: calendar.startOfDay(today - meaning.days + 1), until: nowMs + 1 };
  }
  const { of, firstDay } = UNITS[meaning.unit];
  const beginOf = (unit: number) => calendar.startOfDay(firstDay(unit));
  const unit = of(today) - meaning.ago;
  return { from: beginOf(unit), until: meaning.ago === 0 ? nowMs + 1 : beginOf(unit + 1) };
}

/**
 * The range that a period is compared with: of a unit the one before, through as much time as has passed of this one, and no
 * further than its end; of a number of days the range of equal length just before.
 */
export function rangeBeforePeriod(period: NamedPeriod, nowMs: number, calendar: DayCalendar = UTC): Range {
  const meaning: Meaning = MEANINGS[period];
  const range = rangeOfPeriod(period, nowMs, calendar);
  if ('days' in meaning) return rangeBefore(range);
  const { of, firstDay } = UNITS[meaning.unit];
  const from = calendar.startOfDay(firstDay(of(calendar.dayAt(range.from)) - 1));
  if (meaning.ago === 1) return { from, until: range.from };
  return { from, until: Math.min(from + range.until - range.from, range.from) };
}

/** The range of equal length just before. */
export function rangeBefore({ from, until }: Range): Range {
  return { from: from - (until - from), until: from };
}
