import { formatInstant } from '@calltally/domain';
import type { ErrorBody } from '../api-error.ts';

/** What a client waits before it connects again; some seconds apart would be felt by whoever looks at a page. */
const RETRY_MS = 2_000;

/** The same where nothing is wrong. */
const RECONNECT_MS = 100;

/** Stands before all events of a stream. */
export const PREAMBLE = `retry: ${RETRY_MS}\n\n`;

/**
 * The last event of a stream that is to be opened again at once; an EventSource does so by itself. The pause holds until
 * the preamble of the next stream.
 */
export const RECONNECT_EVENT = `retry: ${RECONNECT_MS}\n${event('reconnect', {})}`;

/** Figures as an event. @param data the dashboard's `data` as JSON */
export function dashboardEvent(id: string, data: string): string {
  return `event: dashboard\nid: ${id}\ndata: ${data}\n\n`;
}

/** @param asOfMs everything acknowledged by then is in the figures that were sent, epoch ms; undefined while unknown */
export function heartbeatEvent(asOfMs: number | undefined): string {
  return event('heartbeat', { as_of: asOfMs === undefined ? null : formatInstant(asOfMs) });
}

/** The last event of a stream that is not to be opened again. */
export function endEvent({ error, message }: ErrorBody): string {
  return event('end', { code: error.code, message });
}

/** JSON has no line breaks, so that one `data` line takes it all. */
function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
