/** A number of calls and the sum of their durations in whole milliseconds. */
export interface Tally {
  calls: number;
  durationMs: number;
}

/** The tally of one UTC day. */
export interface DayTally extends Tally {
  day: number;
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
