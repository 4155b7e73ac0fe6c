import { readTimestamp } from './timestamp.ts';

// Strict: what `readTimestamp` forgives a person at a URL would hide a fault in a producer.
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Epoch milliseconds of an RFC 3339 date-time with offset; digits finer than a millisecond are cut off.
 * Undefined for anything else: no offset, no such day, second 60 (epoch time has no place for it).
 */
export function parseInstant(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const timestamp = readTimestamp(text);
  return typeof timestamp === 'string' ? undefined : timestamp.floorMs;
}

/** `2026-03-01T00:00:00Z`, with `.fff` only where the milliseconds are not zero. For the years 0001–9999. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
