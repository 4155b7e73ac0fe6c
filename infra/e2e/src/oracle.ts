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

export interface OracleFigures {
  total_calls: number;
  total_duration_minutes: number;
  total_duration_hours: number;
  avg_duration_minutes: number;
  calls_today: number;
  calls_this_week: number;
  calls_this_month: number;
}

interface Known {
  startedAt: number;
  durationMs: bigint;
  /** By when its producer knew that Kafka has it, epoch ms. */
  acknowledgedAtMs: number;
}

export class Oracle {
  readonly #calls = new Map<string, Known>();
  readonly #byUser = new Map<string, Known[]>();

  /** The first event of a call wins. */
  add(event: CallEvent): void {
    if (this.#calls.has(event.call_id)) return;
    const known = {
      startedAt: new Date(event.started_at).getTime(),
      durationMs: event.duration_seconds == null ? sinceStart(event) : decimalMs(event.duration_seconds),
      acknowledgedAtMs: Number.POSITIVE_INFINITY,
    };
    this.#calls.set(event.call_id, known);
    const calls = this.#byUser.get(event.user_id);
    if (calls === undefined) this.#byUser.set(event.user_id, [known]);
    else calls.push(known);
  }

  /** Notes that Kafka acknowledged the event of a call. */
  acknowledge(event: CallEvent, atMs: number): void {
    const known = this.#calls.get(event.call_id);
    if (known !== undefined) known.acknowledgedAtMs = Math.min(known.acknowledgedAtMs, atMs);
  }

  get size(): number {
    return this.#calls.size;
  }

  users(): string[] {
    return [...this.#byUser.keys()];
  }

  callsOf(userId: string): number {
    return this.#byUser.get(userId)?.length ?? 0;
  }

  /** @param acknowledgedByMs counts only calls acknowledged by then; all calls if absent */
  figures(userId: string, range: OracleRange, nowMs: number, acknowledgedByMs?: number): OracleFigures {
    const all = this.#byUser.get(userId) ?? [];
    const calls =
      acknowledgedByMs === undefined
        ? all
        : all.filter(({ acknowledgedAtMs }) => acknowledgedAtMs <= acknowledgedByMs);
    const within = (from: number, until: number) =>
      calls.filter(({ startedAt }) => startedAt >= from && startedAt < until);
    const inRange = within(range.from, range.until);
    const ms = inRange.reduce((sum, { durationMs }) => sum + durationMs, 0n);
    const minutes = halfUp(ms * 100n, 60_000n);
    const now = new Date(nowMs);
    const [year, month, date] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
    const monday = date - ((now.getUTCDay() + 6) % 7);
    return {
      total_calls: inRange.length,
      total_duration_minutes: Number(minutes) / 100,
      total_duration_hours: Number(halfUp(ms * 100n, 3_600_000n)) / 100,
      avg_duration_minutes: inRange.length === 0 ? 0 : Number(halfUp(minutes, BigInt(inRange.length))) / 100,
      calls_today: within(Date.UTC(year, month, date), Date.UTC(year, month, date + 1)).length,
      calls_this_week: within(Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)).length,
      calls_this_month: within(Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)).length,
    };
  }
}

function sinceStart(event: CallEvent): bigint {
  return BigInt(new Date(event.ended_at!).getTime() - new Date(event.started_at).getTime());
}

/** Parses decimal seconds to whole milliseconds, and rounds half up. */
function decimalMs(seconds: number): bigint {
  const [whole = '0', fraction = ''] = seconds.toFixed(9).split('.');
  return halfUp(BigInt(whole + fraction.padEnd(9, '0')), 1_000_000n);
}

function halfUp(numerator: bigint, denominator: bigint): bigint {
  return (2n * numerator + denominator) / (2n * denominator);
}
