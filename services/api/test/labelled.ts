import type { Call } from '@calltally/domain';
import { callsAt, withLabels } from './support.ts';

export const DAY_MS = 86_400_000;
/** Noon of today: sums by cell are kept by day only for days that are recent by the system's clock. */
export const NOON_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;

/** The UTC date so many days before today. */
export function dateAgo(days: number): string {
  return new Date(NOON_MS - days * DAY_MS).toISOString().slice(0, 10);
}

/** Labelled calls, spread evenly over the days before today's noon. */
export function recentCalls(userId: string, calls: number, days: number): Call[] {
  const times = Array.from({ length: calls }, (_, i) => NOON_MS - Math.floor((days * DAY_MS * i) / calls));
  return withLabels(callsAt(userId, times, calls * 123_457));
}

export type Field = 'agent_id' | 'direction' | 'status';
/** Values that count, '' for none; as in a query. */
export type Filters = Partial<Record<Field, readonly string[]>>;

const LABELS = { agent_id: 'agentId', direction: 'direction', status: 'status' } as const;

/** A label of a call, '' if it has none. */
export function labelOf(call: Call, field: Field): string {
  return call[LABELS[field]] ?? '';
}

/** Those of some calls that start within [from, until) and that filters let through, one by one. */
export function those(calls: readonly Call[], filters: Filters, from = -Infinity, until = Infinity): Call[] {
  return calls.filter(
    (call) =>
      from <= call.startedAt &&
      call.startedAt < until &&
      (Object.keys(filters) as Field[]).every((field) => filters[field]!.includes(labelOf(call, field))),
  );
}

export function sumOf(calls: readonly Call[]): { calls: number; duration_ms: number } {
  return { calls: calls.length, duration_ms: calls.reduce((sum, { durationMs }) => sum + durationMs, 0) };
}

/** Groups by some labels, by their values as JSON. */
export function groupsOf(calls: readonly Call[], fields: readonly Field[]) {
  const groups = new Map<string, Call[]>();
  for (const call of calls) {
    const name = JSON.stringify(fields.map((field) => labelOf(call, field) || null));
    groups.set(name, [...(groups.get(name) ?? []), call]);
  }
  return new Map([...groups].map(([name, group]) => [name, sumOf(group)]));
}

export function queryOf(filters: Filters): string {
  const pairs = Object.entries(filters).flatMap(([name, values]) => values.map((value) => [name, value]));
  return new URLSearchParams(pairs as [string, string][]).toString();
}
