import { Temporal } from 'temporal-polyfill';
import { formatInstant } from './instants.ts';

const MINUTE_MS = 60_000;
const NS_PER_MINUTE = 60_000_000_000;

/**
 * `2026-03-01T00:00:00+01:00`, with `.fff` unless the milliseconds are zero: RFC 3339, the local time with its offset, of
 * UTC with `Z`. Old offsets with seconds are rounded to minutes, and the time with them, so that the text names this instant.
 */
export function formatZoned(ms: number, timeZone: string): string {
  if (timeZone === 'UTC') return formatInstant(ms);
  const { offsetNanoseconds } = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone);
  const minutes = Math.round(offsetNanoseconds / NS_PER_MINUTE);
  const local = new Date(ms + minutes * MINUTE_MS).toISOString().replace(/(?:\.000)?Z$/, '');
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${local}${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
