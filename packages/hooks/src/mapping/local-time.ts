import { timeZoneNamed } from '@calltally/domain';
import { Temporal } from 'temporal-polyfill';

/**
 * The instant of a local time. A time that the clocks skipped in spring lies as much after the change as it seems to (02:30
 * is 03:30); one that came twice in autumn is the first of the two, since nothing tells which is meant.
 *
 * @param local `2026-03-01T09:30:00`, with a fraction of up to nine digits
 * @returns RFC 3339 in UTC; `local` itself, which names no instant, where there is no such day or time
 */
export function localInstant(local: string, timeZone: string): string {
  // Temporal takes a leap second for the second before it.
  if (local.slice(17, 19) === '60') return local;
  try {
    const zoned = Temporal.PlainDateTime.from(local).toZonedDateTime(timeZone, {
      disambiguation: 'compatible',
    });
    return zoned.toInstant().toString();
  } catch (error) {
    if (error instanceof RangeError) return local;
    throw error;
  }
}

/** Whether a name or an offset is a time zone here. */
export function isTimeZone(timeZone: string): boolean {
  return timeZoneNamed(timeZone) !== undefined || /^[+-](?:[01]\d|2[0-3]):[0-5]\d$/.test(timeZone);
}
