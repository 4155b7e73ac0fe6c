/**
 * UTC days, ISO weeks and calendar months as integers, so that buckets are named, compared and iterated by arithmetic alone.
 * Proleptic Gregorian calendar; negative numbers work, too.
 */

export const DAY_MS = 86_400_000;

/** Days from 0000-03-01 to 1970-01-01. A year that starts in March has its leap day last. */
const MARCH_EPOCH_DAYS = 719_468;
const DAYS_PER_400_YEARS = 146_097;

/** Days since 1970-01-01 of the UTC day that holds an instant (epoch milliseconds). */
export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** First instant of a day, in epoch milliseconds. */
export function startOfDay(day: number): number {
  return day * DAY_MS;
}

/** The ISO week (Monday to Sunday) that holds a day; week 0 starts on Monday 1969-12-29. */
export function weekOf(day: number): number {
  return Math.floor((day + 3) / 7);
}

/** The Monday of a week, as a day count. */
export function firstDayOfWeek(week: number): number {
  return week * 7 - 3;
}

/** The ISO year a week belongs to: the year of its Thursday. */
export function isoWeekYear(week: number): number {
  return 1970 + Math.floor(monthOf(week * 7) / 12);
}

/** Months since 1970-01 of the calendar month that holds a day. Allocates nothing, because it runs for every event. */
export function monthOf(day: number): number {
  const sinceEpoch = day + MARCH_EPOCH_DAYS;
  const era = Math.floor(sinceEpoch / DAYS_PER_400_YEARS);
  const dayOfEra = sinceEpoch - era * DAYS_PER_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  return (era * 400 + yearOfEra - 1970) * 12 + marchMonth + 2;
}

/** The first day of a month (months since 1970-01), as a day count. */
export function firstDayOfMonth(month: number): number {
  const sinceMarch = month - 2;
  const yearsSince1970 = Math.floor(sinceMarch / 12);
  const marchMonth = sinceMarch - yearsSince1970 * 12;
  const year = yearsSince1970 + 1970;
  const era = Math.floor(year / 400);
  const yearOfEra = year - era * 400;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_400_YEARS + dayOfEra - MARCH_EPOCH_DAYS;
}

/** Day of the month, 1 to 31. */
export function dayOfMonth(day: number): number {
  return day - firstDayOfMonth(monthOf(day)) + 1;
}
