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
  let calls = 0;
  let durationMs = 0;
  for (const tally of tallies) {
    calls += tally.calls;
    durationMs += tally.durationMs;
  }
  return { calls, durationMs };
}

/** `a` minus `b`, as a new object. */
export function subtractTallies(a: Readonly<Tally>, b: Readonly<Tally>): Tally {
  return { calls: a.calls - b.calls, durationMs: a.durationMs - b.durationMs };
}
