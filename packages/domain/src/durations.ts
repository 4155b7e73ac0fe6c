const SECONDS_MAX = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
/** Below this, the error of multiplying by 1000 is less than a millionth of a millisecond. */
const MULTIPLIED_MAX_SECONDS = 1e6;

/**
 * Converts seconds to whole milliseconds, rounding the decimal text half up: 1.0005 gives 1001, although 1.0005 * 1000 is
 * slightly less than 1000.5 in binary.
 *
 * @throws RangeError for a number that is negative, not finite or beyond 2^53 ms.
 */
export function millisecondsOf(seconds: number): number {
  if (!(seconds >= 0 && seconds <= SECONDS_MAX)) {
    throw new RangeError(`a duration must be 0 to ${SECONDS_MAX} seconds, not ${seconds}`);
  }
  if (Number.isInteger(seconds)) return seconds * 1000;
  const product = seconds * 1000;
  const nearest = Math.round(product);
  // Away from a half, both ways agree, and this one is faster. It covers all durations of whole milliseconds.
  if (seconds < MULTIPLIED_MAX_SECONDS && Math.abs(product - nearest) < 0.001) return nearest;
  // Less than half a millisecond, and JavaScript would write it with an exponent.
  if (seconds < 1e-6) return 0;
  const [whole = '', fraction = ''] = String(seconds).split('.');
  const roundsUp = fraction.charAt(3) >= '5' ? 1 : 0;
  return Number(whole) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')) + roundsUp;
}
