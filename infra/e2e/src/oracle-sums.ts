/*
 * How the oracle adds up and rounds: time with `Date`, sums with BigInt, decimal digits. It shares nothing with the product.
 */

export interface OracleRange {
  /** Epoch ms, inclusive. */
  from: number;
  /** Epoch ms, exclusive. */
  until: number;
}

/** Figures that never become smaller with another call. */
export interface OracleSums {
  total_calls: number;
  total_duration_minutes: number;
  total_duration_hours: number;
  calls_today: number;
  calls_this_week: number;
  calls_this_month: number;
}

export type OracleDimension = 'agent' | 'direction' | 'status';
export type OracleInterval = 'day' | 'week' | 'month';

/** What may count of a call. */
export interface State {
  /** Epoch ms; NaN if the call is deleted: it lies in no range. */
  startedAt: number;
  durationMs: bigint;
  /** As they are kept; '' for none. */
  labels: Readonly<Record<OracleDimension, string>>;
}

/** The state of a call that is not counted yet. */
export const MISSING: State = {
  startedAt: Number.NaN,
  durationMs: 0n,
  labels: { agent: '', direction: '', status: '' },
};

export interface Sum {
  calls: number;
  ms: bigint;
}

/** The bounds of a group, while events arrive. */
export interface OracleGroupBounds {
  least: Sum;
  most: Sum;
}

/** Of each call, the states in which it may count. */
export type Calls = readonly (readonly State[])[];

export function isWithin({ startedAt }: State, { from, until }: OracleRange): boolean {
  return startedAt >= from && startedAt < until;
}

/** Adds up calls by their labels: of each call the states that make a group's sum the least, and the most. */
export function groupsOf(
  calls: Calls,
  range: OracleRange,
  by: readonly OracleDimension[],
): Map<string, OracleGroupBounds> {
  const groups = new Map<string, OracleGroupBounds>();
  const add = (states: readonly State[], isCertain: boolean) => {
    const name = JSON.stringify(by.map((dimension) => states[0]!.labels[dimension]));
    let group = groups.get(name);
    if (group === undefined) {
      group = nothing();
      groups.set(name, group);
    }
    const sorted = states.map(({ durationMs }) => durationMs).sort((a, b) => (a < b ? -1 : 1));
    group.most.calls++;
    group.most.ms += sorted.at(-1)!;
    if (!isCertain) return;
    group.least.calls++;
    group.least.ms += sorted[0]!;
  };
  for (const states of calls) {
    const within = states.filter((state) => isWithin(state, range));
    while (within.length > 0) {
      const [first] = within as [State];
      const same = within.filter(({ labels }) =>
        by.every((dimension) => labels[dimension] === first.labels[dimension]),
      );
      add(same, same.length === states.length);
      for (const state of same) within.splice(within.indexOf(state), 1);
    }
  }
  return groups;
}

function nothing(): OracleGroupBounds {
  return { least: { calls: 0, ms: 0n }, most: { calls: 0, ms: 0n } };
}

function totalOf(calls: Calls, range: OracleRange): OracleGroupBounds {
  return groupsOf(calls, range, []).get('[]') ?? nothing();
}

export function totalsOf({ calls, ms }: Sum) {
  const minutes = hundredths(ms, 60_000n);
  return {
    calls,
    duration_ms: Number(ms),
    duration_minutes: Number(minutes) / 100,
    avg_duration_minutes: averageOf(minutes, calls),
  };
}

/** @param minutes in hundredths, rounded */
export function averageOf(minutes: bigint, calls: number): number {
  return calls === 0 ? 0 : Number(halfUp(minutes, BigInt(calls))) / 100;
}

/** By the bytes of UTF-8; an empty name comes last. */
export function compareNames(a: readonly string[], b: readonly string[]): number {
  for (const [i, name] of a.entries()) {
    const other = b[i]!;
    if (name === other) continue;
    if (name === '' || other === '') return name === '' ? 1 : -1;
    return Buffer.compare(Buffer.from(name), Buffer.from(other));
  }
  return 0;
}

export function startOf(interval: OracleInterval, ms: number): number {
  const day = new Date(ms);
  const [year, month, date] = [day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate()];
  if (interval === 'month') return Date.UTC(year, month, 1);
  return Date.UTC(year, month, interval === 'day' ? date : date - ((day.getUTCDay() + 6) % 7));
}

export function nextStart(interval: OracleInterval, ms: number): number {
  const day = new Date(ms);
  if (interval === 'month') day.setUTCMonth(day.getUTCMonth() + 1);
  else day.setUTCDate(day.getUTCDate() + (interval === 'day' ? 1 : 7));
  return day.getTime();
}

export function sumsOf(
  calls: Calls,
  range: OracleRange,
  nowMs: number,
  extreme: 'least' | 'most',
): OracleSums {
  const now = new Date(nowMs);
  const [year, month, date] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const monday = date - ((now.getUTCDay() + 6) % 7);
  const within = (from: number, until: number) => totalOf(calls, { from, until })[extreme].calls;
  const inRange = totalOf(calls, range)[extreme];
  return {
    total_calls: inRange.calls,
    total_duration_minutes: Number(hundredths(inRange.ms, 60_000n)) / 100,
    total_duration_hours: Number(hundredths(inRange.ms, 3_600_000n)) / 100,
    calls_today: within(Date.UTC(year, month, date), Date.UTC(year, month, date + 1)),
    calls_this_week: within(Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)),
    calls_this_month: within(Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)),
  };
}

/** Parses decimal seconds to whole milliseconds, and rounds half up. */
export function decimalMs(seconds: number): bigint {
  const [whole = '0', fraction = ''] = seconds.toFixed(9).split('.');
  return halfUp(BigInt(whole + fraction.padEnd(9, '0')), 1_000_000n);
}

/** Hundredths of a unit of so many ms. */
function hundredths(ms: bigint, unitMs: bigint): bigint {
  return halfUp(ms * 100n, unitMs);
}

export function halfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}
