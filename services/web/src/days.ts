import { DAY_MS, startOfDay } from '@calltally/domain';

/*
 * Days as the domain counts them (since 1970-01-01), and as people write them. Times are those of UTC, or of a zone if an
 * instant was shifted by its offset.
 */

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026-03-01` */
export function dateOfDay(day: number): string {
  return new Date(startOfDay(day)).toISOString().slice(0, 10);
}

/** The day of a text like `2026-03-01`; undefined if there is none. */
export function dayOfDate(text: string): number | undefined {
  if (!DATE.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(ms)) return undefined;
  const day = ms / DAY_MS;
  // Some engines parse 31 February as a day in March.
  return dateOfDay(day) === text ? day : undefined;
}

/** `12 Nov` */
export function shortDay(day: number): string {
  const date = new Date(startOfDay(day));
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

/** `12 Nov 2026` */
export function dayWithYear(day: number): string {
  return `${shortDay(day)} ${yearOf(day)}`;
}

/** `Thu 12 Nov 2026` */
export function longDay(day: number): string {
  return `${WEEKDAYS[new Date(startOfDay(day)).getUTCDay()]} ${dayWithYear(day)}`;
}

/** `Nov 2026` */
export function monthOfDay(day: number): string {
  return `${MONTHS[new Date(startOfDay(day)).getUTCMonth()]} ${yearOf(day)}`;
}

export function yearOf(day: number): number {
  return new Date(startOfDay(day)).getUTCFullYear();
}

/** `12:03` of an instant (epoch ms). */
export function minuteOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

/** `12:03:04` of an instant (epoch ms). */
export function secondOfDay(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}
