import { dayOf, dayOfMonth, firstDayOfMonth, monthOf, startOfDay } from './periods.ts';
import type { Range } from './range.ts';

/** What a user's counters can answer. */
export interface Availability {
  /** First UTC day whose buckets are complete. */
  fromDay: number;
  /**
   * First UTC day with a sum of its own, the first of a month. Of the days before it, only whole months have sums. Default:
   * every day from `fromDay` on has one.
   */
  daysFrom?: number;
  /** First UTC day whose half-hours have sums. Default: none have. */
  halfHoursFrom?: number;
  /** Latest start of a counted call, epoch ms; -Infinity if there is no call. */
  lastStartedAt: number;
}

/** Days of one month (months since 1970-01), 1 to 31, both ends inclusive. */
export interface DaysOfMonth {
  kind: 'days';
  month: number;
  first: number;
  last: number;
}

/** A whole month (months since 1970-01), or days of one. */
export type Segment = { kind: 'month'; month: number } | DaysOfMonth;

/** Rows to add to the sum of the buckets (1) or subtract from it (-1). */
export interface Edge extends Range {
  sign: 1 | -1;
}

/** Buckets and edges in order of time. Buckets do not overlap, nor do edges, of which there are at most two. */
export interface Plan {
  buckets: Segment[];
  edges: Edge[];
  /** Whether the plan omits or includes a time only because no call starts after `lastStartedAt`. */
  trustsLastStartedAt: boolean;
}

/**
 * Plans how to read a range: whole months and days from the counters; the time before `fromDay`, and the smaller side of a
 * day that the range cuts, from rows. Where days have no sums, that goes for the smaller side of a month.
 *
 * Months after that of `lastStartedAt` are not read, so that a plan is bounded by what is kept, not by what is asked for.
 */
export function planRange(range: Range, available: Availability): Plan {
  const plan: Plan = { buckets: [], edges: [], trustsLastStartedAt: false };
  if (range.from >= range.until) return plan;

  const kept = startOfDay(firstWholeUnit(available));
  addEdge(plan.edges, { from: range.from, until: Math.min(range.until, kept), sign: 1 });
  const from = Math.max(range.from, kept);
  if (from >= range.until) return plan;
  if (from > available.lastStartedAt) {
    plan.trustsLastStartedAt = true;
    return plan;
  }

  const { until } = range;
  // The first and the last day or month that the range touches.
  const first = unitOf(dayOf(from), available);
  const last = unitOf(dayOf(until - 1), available);
  const cost = (a: number, b: number) => Math.max(0, Math.min(b, available.lastStartedAt + 1) - a);
  const head = { from: startOfDay(first.first), until: from };
  const tail = { from: until, until: startOfDay(last.last + 1) };
  const tailIsEmpty = until > available.lastStartedAt;
  const tailCost = tailIsEmpty ? 0 : cost(tail.from, tail.until);
  const takeTail = () => {
    if (!tailIsEmpty) addEdge(plan.edges, { ...tail, sign: -1 });
    else if (tail.from < tail.until) plan.trustsLastStartedAt = true;
  };

  if (first.first === last.first) {
    if (cost(head.from, head.until) + tailCost >= cost(from, until)) {
      addEdge(plan.edges, { from, until, sign: 1 });
      return plan;
    }
    addEdge(plan.edges, { ...head, sign: -1 });
    takeTail();
    addBuckets(plan, first.first, last.last, available.lastStartedAt);
    return plan;
  }

  let firstWhole = first.first;
  if (cost(head.from, head.until) >= cost(from, startOfDay(first.last + 1))) {
    addEdge(plan.edges, { from, until: startOfDay(first.last + 1), sign: 1 });
    firstWhole = first.last + 1;
  } else {
    addEdge(plan.edges, { ...head, sign: -1 });
  }

  let lastWhole = last.last;
  if (!tailIsEmpty && tailCost >= cost(startOfDay(last.first), until)) {
    addEdge(plan.edges, { from: startOfDay(last.first), until, sign: 1 });
    lastWhole = last.first - 1;
  } else {
    takeTail();
  }
  addBuckets(plan, firstWhole, lastWhole, available.lastStartedAt);
  return plan;
}

/**
 * As `planRange`, for sums of which reading a month costs less than reading its days: a month whose days behind the range have
 * no calls is read as a whole.
 */
export function planRangeByMonths(range: Range, available: Availability): Plan {
  const plan = planRange(range, available);
  const last = plan.buckets.at(-1);
  if (last?.kind !== 'days' || last.first !== 1) return plan;
  const { month } = last;
  if (startOfDay(firstDayOfMonth(month) + last.last) <= available.lastStartedAt) return plan;
  return {
    ...plan,
    buckets: [...plan.buckets.slice(0, -1), { kind: 'month', month }],
    trustsLastStartedAt: true,
  };
}

/** The day, or the month where days have no sums, that holds a day: its first and its last day. */
function unitOf(day: number, { daysFrom = -Infinity }: Availability): { first: number; last: number } {
  if (day >= daysFrom) return { first: day, last: day };
  const month = monthOf(day);
  return { first: firstDayOfMonth(month), last: firstDayOfMonth(month + 1) - 1 };
}

/** The first day of the first complete sum. */
function firstWholeUnit(available: Availability): number {
  const { first, last } = unitOf(available.fromDay, available);
  return first === available.fromDay ? first : last + 1;
}

function addBuckets(plan: Plan, first: number, lastAsked: number, lastStartedAt: number): void {
  let last = lastAsked;
  if (startOfDay(lastAsked + 1) > lastStartedAt) {
    const endOfLastMonth = firstDayOfMonth(monthOf(dayOf(lastStartedAt)) + 1) - 1;
    if (endOfLastMonth < lastAsked) {
      last = endOfLastMonth;
      plan.trustsLastStartedAt = true;
    }
  }
  for (const days of daysByMonth(first, last)) {
    const isWhole = days.first === 1 && days.last === dayOfMonth(firstDayOfMonth(days.month + 1) - 1);
    plan.buckets.push(isWhole ? { kind: 'month', month: days.month } : days);
  }
}

/** Appends an edge unless it is empty, or extends the last one if it goes on with the same sign. */
export function addEdge(edges: Edge[], { from, until, sign }: Edge): void {
  if (from >= until) return;
  const before = edges.at(-1);
  if (before?.until === from && before.sign === sign) before.until = until;
  else edges.push({ from, until, sign });
}

/** The UTC days from `first` through `last`, by month; none if `last` is before `first`. */
export function daysByMonth(first: number, last: number): DaysOfMonth[] {
  const months: DaysOfMonth[] = [];
  for (let day = first; day <= last; ) {
    const month = monthOf(day);
    const next = firstDayOfMonth(month + 1);
    months.push({ kind: 'days', month, first: dayOfMonth(day), last: dayOfMonth(Math.min(last, next - 1)) });
    day = next;
  }
  return months;
}
