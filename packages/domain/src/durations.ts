const SECONDS_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
/** Below this, multiplying by 1000 is off by less than a millionth of a millisecond. */
const MULTIPLIED_MAX_SECONDS = 1e6;

/**
 * Whole milliseconds of a duration in seconds, half up on its decimal text: 1.0005 gives 1001, although
 * 1.0005 * 1000 is a little less than 1000.5 in binary.
 *
 * @throws RangeError for a number that is negative, not finite or beyond 2^53 ms.
 */
export function millisecondsOf(seconds: number): number {
  if (!(seconds >= 0 && seconds <= SECONDS_MAX)) {
    throw new RangeError(`a duration is 0 to ${SECONDS_MAX} seconds, not ${seconds}`);
  }
  if (Number.isInteger(seconds)) return seconds * 1000;
  const product = seconds * 1000;
  const nearest = Math.round(product);
  // Far from any half, both ways agree, and this one makes no text. So it is with what is given in whole milliseconds.
  if (seconds < MULTIPLIED_MAX_SECONDS && Math.abs(product - nearest) < 0.001) return nearest;
  // Below this JavaScript writes an exponent; it is less than half a millisecond anyway.
  if (seconds < 1e-6) return 0;
  const [whole = '', fraction = ''] = String(seconds).split('.');
  const roundsUp = fraction.charAt(3) >= '5' ? 1 : 0;
  return Number(whole) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')) + roundsUp;
}
