import { type Decimal, floorTimes, readDecimal } from './decimal.ts';
import { UNIT_NS } from './read-time.ts';

/** Nanoseconds of a unit that durations are counted in. */
const DURATION_NS = { ...UNIT_NS, min: 60n * UNIT_NS.s, h: 3_600n * UNIT_NS.s } as const;

export type DurationUnit = keyof typeof DURATION_NS | 'clock';

const NAMES: Record<keyof typeof DURATION_NS, string> = {
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  min: 'minutes',
  h: 'hours',
};

/** `[H…H:]MM:SS[.fff]`. Without hours only where the unit says so, since 01:24 may be hours and minutes. */
const CLOCK = /^(?:(\d{1,4}):(?=[0-5]?\d:))?(\d{1,5}):([0-5]\d(?:\.\d{1,20})?)$/;

export type ReadDuration = { seconds: number; fault?: never } | { fault: string; seconds?: never };

/**
 * Reads a duration, rounded half up to milliseconds from its decimal digits.
 *
 * @param unit without one, a number is seconds, and `00:01:24` is hours, minutes and seconds
 */
export function readDuration(value: unknown, unit: DurationUnit | undefined): ReadDuration {
  const nsOfUnit = unit === undefined || unit === 'clock' ? UNIT_NS.s : DURATION_NS[unit];
  const decimal = unit === 'clock' ? undefined : readDecimal(value);
  if (decimal !== undefined) return inSeconds(decimal, nsOfUnit, 0n);

  const clock =
    (unit === undefined || unit === 'clock') && typeof value === 'string' ? CLOCK.exec(value) : null;
  if (clock === null || (unit === undefined && clock[1] === undefined)) return { fault: ruleOf(unit) };
  const [, hours = '0', minutes = '', seconds] = clock;
  return inSeconds(readDecimal(seconds)!, UNIT_NS.s, (BigInt(hours) * 60n + BigInt(minutes)) * 60_000n);
}

function inSeconds(decimal: Decimal, nsOfUnit: bigint, moreMs: bigint): ReadDuration {
  // Half a millisecond more, and then cut, is rounded half up.
  const twiceMs = floorTimes({ ...decimal, digits: decimal.digits * 2n }, nsOfUnit) / UNIT_NS.ms;
  if (decimal.digits < 0n) return { fault: 'it must not be negative' };
  const ms = moreMs + (twiceMs + 1n) / 2n;
  return { seconds: Number(ms) / 1_000 };
}

function ruleOf(unit: DurationUnit | undefined): string {
  const others = 'write another unit (:s, :ms, :us, :ns, :min, :h, or :clock for 1:24)';
  if (unit === undefined) return `it must be a number of seconds, or 00:01:24; ${others}`;
  if (unit === 'clock') return `it must be as 1:24 or 0:01:24; ${others}`;
  return `it must be a number of ${NAMES[unit]}; ${others}`;
}
