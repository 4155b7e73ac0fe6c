import { DAY_MS } from './periods.ts';

/** A number of calls and the sum of their durations in whole milliseconds. */
export interface Tally {
  calls: number;
  durationMs: number;
}

/** The tally of one UTC day. */
export interface DayTally extends Tally {
  day: number;
}

/** Times of equal length, ms, numbered from the one that begins at `origin`, epoch ms. */
export interface Slots {
  origin: number;
  width: number;
}

/** UTC days by their numbers. */
export const DAY_SLOTS: Readonly<Slots> = Object.freeze({ origin: 0, width: DAY_MS });

/** The tally of one slot. */
export interface SlotTally extends Tally {
  slot: number;
}

export const ZERO_TALLY: Readonly<Tally> = Object.freeze({ calls: 0, durationMs: 0 });

/** The sum of any number of tallies, as a new object. Exact below 2^53. */
export function addTallies(...tallies: readonly Readonly<Tally>[]): Tally {
  return sumTallies(tallies);
}

/** As `addTallies`, of any number: a call takes only so many arguments. */
export function sumTallies(tallies: Iterable<Readonly<Tally>>): Tally {
  const sum = { ...ZERO_TALLY };
  for (const tally of tallies) addTally(sum, tally);
  return sum;
}

/** Adds a tally to a sum, or takes it away. */
export function addTally(sum: Tally, { calls, durationMs }: Readonly<Tally>, sign: 1 | -1 = 1): void {
  sum.calls += sign * calls;
  sum.durationMs += sign * durationMs;
}
