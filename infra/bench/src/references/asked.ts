import { dashboardWindows, type EffectiveRange, type Range } from '@calltally/domain';

/** What a dashboard needs the sums of. */
export interface Asked {
  userId: string;
  range: Range;
  today: Range;
  thisWeek: Range;
  thisMonth: Range;
  /** What holds them all. */
  all: Range;
}

export function askedFor(userId: string, range: EffectiveRange, nowMs: number): Asked {
  const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
  const all = {
    from: Math.min(range.from, thisWeek.from, thisMonth.from),
    until: Math.max(range.until, thisWeek.until, thisMonth.until),
  };
  return { userId, range, today, thisWeek, thisMonth, all };
}
