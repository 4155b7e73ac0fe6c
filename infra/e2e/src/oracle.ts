import type { CallEvent } from '@calltally/contract';
import {
  averageOf,
  type Calls,
  compareNames,
  decimalMs,
  groupsOf,
  halfUp,
  isWithin,
  MISSING,
  nextStart,
  type OracleDimension,
  type OracleGroupBounds,
  type OracleInterval,
  type OracleRange,
  type OracleSums,
  type State,
  type Sum,
  startOf,
  sumsOf,
  totalsOf,
} from './oracle-sums.ts';

import { type OracleZoneInterval, zoneStart, zoneStarts } from './oracle-zones.ts';

export type {
  OracleDimension,
  OracleGroupBounds,
  OracleInterval,
  OracleRange,
  OracleSums,
} from './oracle-sums.ts';

/*
 * The right answers, from plain arrays. To stay independent, it shares only the event type with the product.
 */

export interface OracleFigures extends OracleSums {
  avg_duration_minutes: number;
}

/** Figures that are of a range, and not of the current day, week and month. */
export type OracleTotals = Omit<OracleFigures, 'calls_today' | 'calls_this_week' | 'calls_this_month'>;

/** The values of `agent_id`, `direction` and `status` as a query gives them, in any spelling; '' for none. */
export type OracleFilter = Readonly<Partial<Record<OracleDimension, readonly string[]>>>;

/** A group of a breakdown. Has only the labels that were asked for. */
export interface OracleGroup {
  agent_id?: string | null;
  direction?: string | null;
  status?: string | null;
  calls: number;
  duration_ms: number;
  duration_minutes: number;
  avg_duration_minutes: number;
  share_of_calls: number;
}

export interface OracleBucket {
  start: string;
  calls: number;
  duration_ms: number;
  duration_minutes: number;
  avg_duration_minutes: number;
}

export interface OracleDurations {
  calls: number;
  duration_ms: number;
  percentiles: Record<'p50' | 'p90' | 'p95' | 'p99', number | null>;
  min_seconds: number | null;
  max_seconds: number | null;
  histogram: { from_seconds: number; to_seconds: number | null; calls: number }[];
}

/** What an event says of a call. */
interface Version extends State {
  revision: number;
  /** By when its producer knew that Kafka has it, epoch ms. */
  acknowledgedAtMs: number;
}

interface Known {
  versions: Version[];
  /** The version that counts in the end. */
  final: Version;
}

/** How labels of `Traffic` and of queries are kept, if not as they are written. */
const KEPT_AS: Record<Exclude<OracleDimension, 'agent'>, Readonly<Record<string, string>>> = {
  direction: { 'outbound-api': 'outbound', Incoming: 'inbound', OUTGOING: 'outbound', web_call: 'web' },
  status: {
    'no-answer': 'no_answer',
    'No Answer': 'no_answer',
    Cancelled: 'canceled',
    COMPLETED: 'completed',
    'voice mail': 'voicemail',
  },
};
const LABEL_MAX = 64;
const FIELDS = { agent: 'agent_id', direction: 'direction', status: 'status' } as const;
/** From these seconds on; the last without an end. */
const HISTOGRAM = [0, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600];

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
  figures(userId: string, range: OracleRange, nowMs: number, filter: OracleFilter = {}): OracleFigures {
    const { total_calls, total_duration_minutes, total_duration_hours, ...periods } = sumsOf(
      this.#finals(userId, filter),
      range,
      nowMs,
      'most',
    );
    const minutes = BigInt(Math.round(total_duration_minutes * 100));
    return {
      total_calls,
      total_duration_minutes,
      total_duration_hours,
      avg_duration_minutes: averageOf(minutes, total_calls),
      ...periods,
    };
  }

  /** As `figures`, of a range that another is compared with. */
  totals(userId: string, range: OracleRange, filter: OracleFilter = {}): OracleTotals {
    const { calls_today, calls_this_week, calls_this_month, ...totals } = this.figures(
      userId,
      range,
      0,
      filter,
    );
    return totals;
  }

  /** As `figures`, by the clocks of a time zone: today, this week and this month are all calls with the same local one. */
  figuresInZone(
    userId: string,
    range: OracleRange,
    nowMs: number,
    zone: string,
    filter: OracleFilter = {},
  ): OracleFigures {
    const states = this.#finals(userId, filter)
      .flat()
      .filter(({ startedAt }) => !Number.isNaN(startedAt));
    const current = (interval: OracleZoneInterval) => {
      const now = zoneStart(interval, zone, nowMs);
      return states.filter(({ startedAt }) => zoneStart(interval, zone, startedAt) === now).length;
    };
    return {
      ...this.figures(userId, range, nowMs, filter),
      calls_today: current('day'),
      calls_this_week: current('week'),
      calls_this_month: current('month'),
    };
  }

  /** As `series`, by the clocks of a time zone. */
  seriesInZone(
    userId: string,
    range: OracleRange,
    interval: OracleZoneInterval,
    zone: string,
    filter: OracleFilter = {},
  ): OracleBucket[] {
    const sums = new Map(zoneStarts(interval, zone, range).map((start) => [start, { calls: 0, ms: 0n }]));
    for (const [state] of this.#finals(userId, filter) as [State][]) {
      if (!isWithin(state, range)) continue;
      const sum = sums.get(zoneStart(interval, zone, state.startedAt))!;
      sum.calls += 1;
      sum.ms += state.durationMs;
    }
    return [...sums].map(([start, sum]) => ({ start, ...totalsOf(sum) }));
  }

  /** The groups of a breakdown in its default order: most calls first, then by name, calls without a label last. */
  breakdown(
    userId: string,
    range: OracleRange,
    by: readonly OracleDimension[],
    filter: OracleFilter = {},
  ): OracleGroup[] {
    const groups = [...groupsOf(this.#finals(userId, filter), range, by)];
    const all = groups.reduce((sum, [, { most }]) => sum + most.calls, 0);
    return groups
      .map(([name, { most }]) => ({ name: JSON.parse(name) as string[], ...most }))
      .sort((a, b) => b.calls - a.calls || compareNames(a.name, b.name))
      .map(({ name, calls, ms }) => ({
        ...Object.fromEntries(by.map((dimension, i) => [FIELDS[dimension], name[i] || null])),
        ...totalsOf({ calls, ms }),
        share_of_calls: Number(halfUp(BigInt(calls) * 10_000n, BigInt(all))) / 10_000,
      }));
  }

  /** A bucket for each UTC day, ISO week or month that the range touches. */
  series(
    userId: string,
    range: OracleRange,
    interval: OracleInterval,
    filter: OracleFilter = {},
  ): OracleBucket[] {
    const sums = new Map<number, Sum>();
    for (const [state] of this.#finals(userId, filter) as [State][]) {
      if (!isWithin(state, range)) continue;
      const start = startOf(interval, state.startedAt);
      const { calls, ms } = sums.get(start) ?? { calls: 0, ms: 0n };
      sums.set(start, { calls: calls + 1, ms: ms + state.durationMs });
    }
    const buckets: OracleBucket[] = [];
    for (let at = startOf(interval, range.from); at < range.until; at = nextStart(interval, at)) {
      const start = new Date(at).toISOString().slice(0, 10);
      buckets.push({ start, ...totalsOf(sums.get(at) ?? { calls: 0, ms: 0n }) });
    }
    return buckets;
  }

  durations(userId: string, range: OracleRange, filter: OracleFilter = {}): OracleDurations {
    const sorted = this.#finals(userId, filter)
      .flat()
      .filter((state) => isWithin(state, range))
      .map(({ durationMs }) => Number(durationMs))
      .sort((a, b) => a - b);
    const seconds = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
    // Nearest rank: the least of which at least so many percent are not greater.
    const rank = (percent: number) => seconds(sorted[Math.ceil((percent * sorted.length) / 100) - 1]);
    return {
      calls: sorted.length,
      duration_ms: sorted.reduce((sum, ms) => sum + ms, 0),
      percentiles: { p50: rank(50), p90: rank(90), p95: rank(95), p99: rank(99) },
      min_seconds: seconds(sorted[0]),
      max_seconds: seconds(sorted.at(-1)),
      histogram: HISTOGRAM.map((from, i) => {
        const to = HISTOGRAM[i + 1] ?? Number.POSITIVE_INFINITY;
        const calls = sorted.filter((ms) => ms >= from * 1000 && ms < to * 1000).length;
        return { from_seconds: from, to_seconds: HISTOGRAM[i + 1] ?? null, calls };
      }),
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
    filter: OracleFilter = {},
  ): { least: OracleSums; most: OracleSums } {
    const calls = this.#possible(userId, acknowledgedByMs, filter);
    return { least: sumsOf(calls, range, nowMs, 'least'), most: sumsOf(calls, range, nowMs, 'most') };
  }

  /** As `bounds`, of each group that a breakdown may have, by the name of the group. */
  breakdownBounds(
    userId: string,
    range: OracleRange,
    by: readonly OracleDimension[],
    acknowledgedByMs: number,
    filter: OracleFilter = {},
  ): ReadonlyMap<string, OracleGroupBounds> {
    return groupsOf(this.#possible(userId, acknowledgedByMs, filter), range, by);
  }

  #finals(userId: string, filter: OracleFilter): Calls {
    const lets = letsThrough(filter);
    return (this.#byUser.get(userId) ?? []).map(({ final }) => [lets(final)]);
  }

  #possible(userId: string, acknowledgedByMs: number, filter: OracleFilter): Calls {
    const lets = letsThrough(filter);
    return (this.#byUser.get(userId) ?? []).map((call) => possibleStates(call, acknowledgedByMs).map(lets));
  }
}

/** The name of a group in `breakdownBounds`. */
export function nameOfGroup(group: Partial<OracleGroup>, by: readonly OracleDimension[]): string {
  return JSON.stringify(by.map((dimension) => group[FIELDS[dimension]] ?? ''));
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
  const labels = {
    agent: event.agent_id ?? '',
    direction: keptLabel('direction', event.direction),
    status: keptLabel('status', event.status),
  };
  return { revision, startedAt, durationMs, labels, acknowledgedAtMs };
}

/** What is no label is left out of its call. */
function keptLabel(dimension: Exclude<OracleDimension, 'agent'>, written: string | null | undefined): string {
  if (written == null || written.length > LABEL_MAX) return '';
  return KEPT_AS[dimension][written] ?? written;
}

/** Turns states that a filter does not let through into calls that are not counted. */
function letsThrough(filter: OracleFilter): (state: State) => State {
  const wanted = Object.entries(filter).map(([name, values]) => {
    const dimension = name as OracleDimension;
    const kept = dimension === 'agent' ? values : values.map((value) => keptLabel(dimension, value));
    return { dimension, kept: new Set(kept) };
  });
  if (wanted.length === 0) return (state) => state;
  return (state) =>
    wanted.every(({ dimension, kept }) => kept.has(state.labels[dimension])) ? state : MISSING;
}

function possibleStates({ versions, final }: Known, acknowledgedByMs: number): State[] {
  if (final.acknowledgedAtMs <= acknowledgedByMs) return [final];
  const acknowledged = versions.filter(({ acknowledgedAtMs }) => acknowledgedAtMs <= acknowledgedByMs);
  const revision = Math.max(-1, ...acknowledged.map((one) => one.revision));
  const certain = acknowledged.find((one) => one.revision === revision);
  return [certain ?? MISSING, ...versions.filter((one) => one.revision > revision)];
}
