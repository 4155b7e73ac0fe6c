import type { DashboardQuery } from '@calltally/client';
import { DAY_MS, dayOf, firstDayOfMonth, formatEnd, monthOf, startOfDay } from '@calltally/domain';
import { type Choice, daysOf, FIRST_DAY } from './choice.ts';
import { dateOfDay, minuteOfDay, shortDay, yearOf } from './days.ts';
import { number } from './numbers.ts';
import { UTC } from './zones.ts';

/** The period that a range is compared with: `[from, until)`, in local time: epoch ms as if it were of UTC. */
interface Previous {
  from: number;
  until: number;
}

/**
 * The period right before a range. It is as long as the range has run so far, by the clocks: today until 12:03 is compared
 * with yesterday until 12:03, and whole days with as many whole days.
 *
 * @param nowMs local time
 */
export function previousOf(choice: Choice, nowMs: number): Previous {
  const today = dayOf(nowMs);
  const { first, last } = daysOf(choice, today);
  if (choice.kind === 'month') {
    const month = monthOf(today);
    const from = startOfDay(firstDayOfMonth(month - 1));
    const elapsedMs = nowMs - startOfDay(first);
    // The whole previous month, if this one has already run longer.
    return { from, until: Math.min(from + elapsedMs, startOfDay(first)) };
  }
  const days = last - first + 1;
  const from = startOfDay(first - days);
  return { from, until: last >= today ? nowMs - days * DAY_MS : startOfDay(first) };
}

/** Whether all of a period can have calls. Calls before 2000 are rejected. */
export function isKnown({ from }: Previous): boolean {
  return from >= startOfDay(FIRST_DAY);
}

/** The API's parameters for a period; undefined for an empty one, at the first instant of a day. */
export function queryOfPrevious({ from, until }: Previous): DashboardQuery | undefined {
  if (until <= from) return undefined;
  // An end is inclusive at the precision that it is written in: the last day, or the last millisecond.
  // Without an offset, it is of the time zone.
  const end = until % DAY_MS === 0 ? dateOfDay(dayOf(until) - 1) : formatEnd(until - 1).replace('Z', '');
  return { start_date: dateOfDay(dayOf(from)), end_date: end };
}

/** Its name in a comparison: `yesterday`, `7 days before`. */
export function nameOfPrevious(choice: Choice, today: number): string {
  if (choice.kind === 'today') return 'yesterday';
  if (choice.kind === 'month') return 'last month';
  const { first, last } = daysOf(choice, today);
  return last === first ? 'the day before' : `${number(last - first + 1)} days before`;
}

/** Its exact dates: `18 Oct – 24 Oct 2026 until 12:03 UTC`; in another zone without a name, as its offset may be another one. */
export function datesOfPrevious({ from, until }: Previous, timeZone: string): string {
  const [first, last] = [dayOf(from), dayOf(until - 1)];
  const dates = spanOfDays(first, last);
  return until % DAY_MS === 0
    ? dates
    : `${dates} until ${minuteOfDay(until)}${timeZone === UTC ? ' UTC' : ''}`;
}

/** `18 – 24 Oct` is easy to misread across months, so both ends are written out: `18 Oct – 24 Oct 2026`. */
export function spanOfDays(first: number, last: number): string {
  const end = `${shortDay(last)} ${yearOf(last)}`;
  if (first === last) return end;
  return `${shortDay(first)}${yearOf(first) === yearOf(last) ? '' : ` ${yearOf(first)}`} – ${end}`;
}
