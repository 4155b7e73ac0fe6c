import type { CallEvent } from '@calltally/contract';

/*
 * The right answers of dashboards, from plain arrays. To stay independent, it shares only the event type with the
 * product: it computes time with `Date`, sums with BigInt, and rounds decimal digits.
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

export interface OracleFigures extends OracleSums {
  avg_duration_minutes: number;
}

/** What an event says of a call. */
interface Version {
  revision: number;
  /** NaN if the call is deleted: it lies in no range. */
  startedAt: number;
  durationMs: bigint;
  /** By when its producer knew that Kafka has it, epoch ms. */
  acknowledgedAtMs: number;
}

interface Known {
  versions: Version[];
  /** The version that counts in the end. */
  final: Version;
}

/** The state of a call that is not counted yet. */
const MISSING = { startedAt: Number.NaN, durationMs: 0n };
type State = Pick<Version, 'startedAt' | 'durationMs'>;

export class Oracle {
  readonly #calls = new Map<string, Known>();
  readonly #byUser = new Map<string, Known[]>();

  /** The highest revision of a user's call counts; of equal ones, the first to be added. */
  add(event: CallEvent): void {
    const version = versionOf(event);
    const call = this.#calls.get(idOf(event));
    if (call === undefined) {
      const added = { versions: [version], final: version };
      this.#calls.set(idOf(event), added);
      const calls = this.#byUser.get(event.user_id);
      if (calls === undefined) this.#byUser.set(event.user_id, [added]);
      else calls.push(added);
    } else if (call.versions.every(({ revision }) => revision !== version.revision)) {
      call.versions.push(version);
      if (version.revision > call.final.revision) call.final = version;
    }
  }

  /** Notes that Kafka acknowledged an event. */
  acknowledge(event: CallEvent, atMs: number): void {
    const revision = event.revision ?? 0;
    const version = this.#calls.get(idOf(event))?.versions.find((one) => one.revision === revision);
    if (version !== undefined) version.acknowledgedAtMs = Math.min(version.acknowledgedAtMs, atMs);
  }

  /** How many calls there are, deleted ones included. */
  get size(): number {
    return this.#calls.size;
  }

  /** How many calls count. */
  get counted(): number {
    return [...this.#calls.values()].filter(counts).length;
  }

  callsOf(userId: string): number {
    return (this.#byUser.get(userId) ?? []).filter(counts).length;
  }

  /** What must be answered once everything is counted. */
  figures(userId: string, range: OracleRange, nowMs: number): OracleFigures {
    const states = (this.#byUser.get(userId) ?? []).map(({ final }) => [final]);
    const { total_calls, total_duration_minutes, total_duration_hours, ...periods } = sumsOf(
      states,
      range,
      nowMs,
      'most',
    );
    const minutes = BigInt(Math.round(total_duration_minutes * 100));
    const avg_duration_minutes = total_calls === 0 ? 0 : Number(halfUp(minutes, BigInt(total_calls))) / 100;
    return {
      total_calls,
      total_duration_minutes,
      total_duration_hours,
      avg_duration_minutes,
      ...periods,
    };
  }

  /**
   * The least and the most that may be answered while events arrive. An answer counts all that was acknowledged by its
   * as-of, and perhaps more of what was sent. So it counts each call at the highest revision that was acknowledged by then,
   * or at any higher one.
   *
   * @param acknowledgedByMs epoch ms; -Infinity for an answer that promises nothing
   */
  bounds(
    userId: string,
    range: OracleRange,
    nowMs: number,
    acknowledgedByMs: number,
  ): { least: OracleSums; most: OracleSums } {
    const states = (this.#byUser.get(userId) ?? []).map((call) => possibleStates(call, acknowledgedByMs));
    return { least: sumsOf(states, range, nowMs, 'least'), most: sumsOf(states, range, nowMs, 'most') };
  }
}

/** Ids are unique only within a user. */
function idOf({ user_id, call_id }: CallEvent): string {
  return JSON.stringify([user_id, call_id]);
}

function counts({ final }: Known): boolean {
  return !Number.isNaN(final.startedAt);
}

function versionOf(event: CallEvent): Version {
  const revision = event.revision ?? 0;
  const acknowledgedAtMs = Number.POSITIVE_INFINITY;
  if (event.deleted) return { ...MISSING, revision, acknowledgedAtMs };
  const startedAt = new Date(event.started_at).getTime();
  const durationMs =
    event.duration_seconds == null
      ? BigInt(new Date(event.ended_at!).getTime() - startedAt)
      : decimalMs(event.duration_seconds);
  return { revision, startedAt, durationMs, acknowledgedAtMs };
}

function possibleStates({ versions, final }: Known, acknowledgedByMs: number): State[] {
  if (final.acknowledgedAtMs <= acknowledgedByMs) return [final];
  const acknowledged = versions.filter(({ acknowledgedAtMs }) => acknowledgedAtMs <= acknowledgedByMs);
  const revision = Math.max(-1, ...acknowledged.map((one) => one.revision));
  const certain = acknowledged.find((one) => one.revision === revision);
  return [certain ?? MISSING, ...versions.filter((one) => one.revision > revision)];
}

type Calls = readonly (readonly State[])[];

/** Adds up, of each call, the state that makes the sum the least or the most. */
function tallyOf(calls: Calls, { from, until }: OracleRange, extreme: 'least' | 'most') {
  const sum = { calls: 0, ms: 0n };
  for (const states of calls) {
    const within = states.filter(({ startedAt }) => startedAt >= from && startedAt < until);
    if (within.length === 0 || (extreme === 'least' && within.length < states.length)) continue;
    sum.calls++;
    const sorted = within.map(({ durationMs }) => durationMs).sort((a, b) => (a < b ? -1 : 1));
    sum.ms += sorted.at(extreme === 'least' ? 0 : -1)!;
  }
  return sum;
}

function sumsOf(calls: Calls, range: OracleRange, nowMs: number, extreme: 'least' | 'most'): OracleSums {
  const now = new Date(nowMs);
  const [year, month, date] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const monday = date - ((now.getUTCDay() + 6) % 7);
  const within = (from: number, until: number) => tallyOf(calls, { from, until }, extreme).calls;
  const inRange = tallyOf(calls, range, extreme);
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
function decimalMs(seconds: number): bigint {
  const [whole = '0', fraction = ''] = seconds.toFixed(9).split('.');
  return halfUp(BigInt(whole + fraction.padEnd(9, '0')), 1_000_000n);
}

/** Hundredths of a unit of so many ms. */
function hundredths(ms: bigint, unitMs: bigint): bigint {
  return halfUp(ms * 100n, unitMs);
}

function halfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}
