import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Test } from 'tap';

const PATIENCE_MS = 30_000;
const POLL_MS = 50;

/**
 * Looks until what is there is what should be there; if it never is, says what was there last, and throws: what would
 * come next would only be waited for in vain.
 * @param expected a function where it goes with the clock
 */
export async function becomes<T>(
  t: Test,
  look: () => Promise<T>,
  expected: T | (() => T),
  message: string,
): Promise<void> {
  const right = () => (typeof expected === 'function' ? (expected as () => T)() : expected);
  let last = await look();
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; last = await look()) {
    // The clock may have turned between: either side of it is right.
    if (isDeepStrictEqual(last, right())) break;
    await sleep(POLL_MS);
  }
  if (!t.strictSame(last, right(), message)) throw new Error(`never came: ${message}`);
}
