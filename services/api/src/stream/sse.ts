import { createHash } from 'node:crypto';
import { dashboardData, type EffectiveRange, formatInstant } from '@calltally/domain';
import type { ErrorBody } from '@calltally/http';
import type { AnswerSource, DashboardReading } from '@calltally/ledger';

/** One state of a dashboard, as an event for all its listeners. */
export interface Figures {
  /** The same for the same figures of the same range and day. */
  id: string;
  event: string;
  source: AnswerSource;
}

/** How long a client waits before it reconnects. People notice a longer gap. */
const RETRY_MS = 2_000;
/** The same after `reconnect`, when nothing is wrong. */
const RECONNECT_MS = 100;
const ID_LENGTH = 16;

/** Starts every stream. */
export const PREAMBLE = `retry: ${RETRY_MS}\n\n`;

/** Ends a stream that the client is to reopen at once. The next preamble resets the retry time. */
export const RECONNECT_EVENT = `retry: ${RECONNECT_MS}\n${event('reconnect', {})}`;

/** @param day when the current day began, epoch ms */
export function figuresOf(
  reading: DashboardReading,
  range: EffectiveRange,
  nowMs: number,
  day: number,
): Figures {
  const data = dashboardData(reading, range);
  const { date_range, ...figures } = data;
  // A range that ends now ends a little later each time. That alone is no change.
  const end = range.until === nowMs + 1 ? '' : date_range.end_date;
  const identity = JSON.stringify([figures, date_range.start_date, end, day]);
  const id = createHash('sha256').update(identity).digest('base64url').slice(0, ID_LENGTH);
  return { id, event: dashboardEvent(id, JSON.stringify(data)), source: reading.source };
}

/** @param data the dashboard's `data` as JSON */
export function dashboardEvent(id: string, data: string): string {
  return `event: dashboard\nid: ${id}\ndata: ${data}\n\n`;
}

/** @param asOfMs as-of of the figures that were sent, epoch ms; undefined while unknown */
export function heartbeatEvent(asOfMs: number | undefined): string {
  return event('heartbeat', { as_of: asOfMs === undefined ? null : formatInstant(asOfMs) });
}

/** Ends a stream that the client is not to reopen. */
export function endEvent({ error, message }: ErrorBody): string {
  return event('end', { code: error.code, message });
}

/** One `data` line is enough, since JSON.stringify writes no line breaks. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
