import type { Tally } from '@calltally/domain';

/** Calls of the UTC day, ISO week and month that hold now. */
export interface CurrentCalls {
  today: number;
  thisWeek: number;
  thisMonth: number;
}

/** The default window and the current periods, added up by the first reader of a UTC day and kept true by `apply`. */
export interface ReadySums extends CurrentCalls {
  /** The UTC day, week and month that they hold for. */
  day: number;
  week: number;
  month: number;
  /** The 31 days that end with `day`. */
  window: Tally;
}

/**
 * Reads them as lua/read.lua and lua/apply.lua write them: one text, since each field of a reply costs as much as the
 * rest of it. For all but users with tens of millions of calls it fits into 64 bytes, so that the hash stays a listpack.
 */
export function readyOf(text: string): ReadySums {
  const [day, week, month, today, thisWeek, thisMonth, calls, durationMs] = text.split(' ').map(Number);
  return {
    day: day!,
    week: week!,
    month: month!,
    today: today!,
    thisWeek: thisWeek!,
    thisMonth: thisMonth!,
    window: { calls: calls!, durationMs: durationMs! },
  };
}
