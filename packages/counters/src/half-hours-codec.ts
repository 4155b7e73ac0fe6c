import { dayOfHalfHour, firstHalfHourOfMonth, monthOf } from '@calltally/domain';
import { readChunk } from './chunks.ts';

/* How a month's sums by half-hour are written to Redis (lua/add-detail.lua): in chunks, numbered from 0. */

const HALF_HOURS_IN_CHUNK = 12;

/** The number of the chunk, among those of its month, that holds a half-hour. */
export function chunkOfHalfHour(halfHour: number): number {
  const first = firstHalfHourOfMonth(monthOf(dayOfHalfHour(halfHour)));
  return Math.floor((halfHour - first) / HALF_HOURS_IN_CHUNK);
}

/**
 * Tells each half-hour of a chunk that has calls.
 * @param chunk empty if there is none
 */
export function readHalfHours(
  month: number,
  number: number,
  chunk: Buffer,
  visit: (halfHour: number, calls: number, durationMs: number) => void,
): void {
  if (chunk.length === 0) return;
  const first = firstHalfHourOfMonth(month) + number * HALF_HOURS_IN_CHUNK;
  readChunk(chunk, (place, calls, durationMs) => visit(first + place, calls, durationMs));
}
