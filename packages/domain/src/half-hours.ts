import { firstDayOfMonth, monthOf } from './periods.ts';
import { type Availability, addEdge, type Edge, type Plan } from './plan.ts';
import type { Slots } from './tally.ts';

const HALF_HOUR_MS = 1_800_000;
const HALF_HOURS_OF_DAY = 48;

/** Half-hours of UTC by their numbers: since 1970-01-01. */
export const HALF_HOUR_SLOTS: Readonly<Slots> = Object.freeze({ origin: 0, width: HALF_HOUR_MS });

/** Half-hours of one month (months since 1970-01), by their numbers, both ends inclusive; to be added (1) or taken away (-1). */
export interface HalfHours {
  kind: 'half-hours';
  month: number;
  first: number;
  last: number;
  sign: 1 | -1;
}

/** What a plan reads by half-hours in place of rows. */
export interface ByHalfHours {
  halfHours: HalfHours[];
  edges: Edge[];
  trustsLastStartedAt: boolean;
}

/** The half-hour that holds an instant, epoch ms. */
export function halfHourOf(ms: number): number {
  return Math.floor(ms / HALF_HOUR_MS);
}

/** First instant of a half-hour, epoch ms. */
export function startOfHalfHour(halfHour: number): number {
  return halfHour * HALF_HOUR_MS;
}

/** The UTC day that holds a half-hour. */
export function dayOfHalfHour(halfHour: number): number {
  return Math.floor(halfHour / HALF_HOURS_OF_DAY);
}

export function firstHalfHourOfDay(day: number): number {
  return day * HALF_HOURS_OF_DAY;
}

/** @param month months since 1970-01 */
export function firstHalfHourOfMonth(month: number): number {
  return firstHalfHourOfDay(firstDayOfMonth(month));
}

/** A plan that reads half-hours in place of rows, as far as its edges hold whole ones that counters have. */
export function planByHalfHours<P extends Plan>(plan: P, available: Availability): P & ByHalfHours {
  const fine: P & ByHalfHours = { ...plan, halfHours: [], edges: [] };
  for (const edge of plan.edges) addByHalfHours(fine, edge, available);
  return fine;
}

/** Adds an edge to a plan: its whole half-hours, as far as counters have them, and the rest as edges. */
export function addByHalfHours(
  plan: ByHalfHours,
  { from, until, sign }: Edge,
  { fromDay, halfHoursFrom = Infinity, lastStartedAt }: Availability,
): void {
  // No call starts after the last one, so its half-hour is as good as whole.
  const isLast = until > lastStartedAt;
  const first = Math.max(
    Math.ceil(from / HALF_HOUR_MS),
    firstHalfHourOfDay(Math.max(fromDay, halfHoursFrom)),
  );
  const end = isLast ? halfHourOf(lastStartedAt) + 1 : halfHourOf(until);
  if (first >= end) {
    addEdge(plan.edges, { from, until, sign });
    return;
  }
  addEdge(plan.edges, { from, until: startOfHalfHour(first), sign });
  addHalfHours(plan.halfHours, first, end - 1, sign);
  if (isLast) plan.trustsLastStartedAt = true;
  else addEdge(plan.edges, { from: startOfHalfHour(end), until, sign });
}

function addHalfHours(all: HalfHours[], first: number, last: number, sign: 1 | -1): void {
  for (let at = first; at <= last; ) {
    const month = monthOf(dayOfHalfHour(at));
    const end = Math.min(last, firstHalfHourOfMonth(month + 1) - 1);
    const before = all.at(-1);
    if (before?.last === at - 1 && before.month === month && before.sign === sign) before.last = end;
    else all.push({ kind: 'half-hours', month, first: at, last: end, sign });
    at = end + 1;
  }
}
