import { setTimeout as sleep } from 'node:timers/promises';
import { forgetUsers } from '@calltally/counters';
import { type Books, RESPECT_MS, recountUsers, type SumsAt } from './recount.ts';

/** Recounts of a user that events may overtake before he is made cold, which lets nothing overtake the next one. */
const ROUNDS_WHILE_WARM = 3;
const ROUNDS = 24;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Makes the counters of users anew whose counters are wrong.
 *
 * Events that are applied while a user's rows are added up make a recount come to nothing, and a user with many rows
 * and many events may be overtaken every time. Such a user is made cold after a few rounds: nothing is applied to a
 * cold user, so the next recount stands, be it this one or that of whoever counts him next. Meanwhile he is answered
 * from Mongo.
 *
 * @returns the users that could not be repaired within a bounded time, since others kept recounting them
 * @throws CountersError, StoreError
 */
export async function repairUsers(books: Books, userIds: readonly string[]): Promise<string[]> {
  let wrong = userIds;
  for (let round = 1; round <= ROUNDS_WHILE_WARM && wrong.length > 0; round++) {
    const outcomes = await recountUsers(books, wrong, { evenIfWarm: true, respectMs: 0 });
    wrong = wrong.filter((userId) => outcomes.get(userId) !== 'installed');
  }
  if (wrong.length === 0) return [];
  await forgetUsers(books.session, wrong);
  return warmUsers(books, wrong);
}

/**
 * Makes cold users' counters from their rows; who has become warm meanwhile is left as he is.
 * @returns the users that are still cold after a bounded time, since others kept recounting them
 * @throws CountersError, StoreError
 */
export async function warmUsers(books: Books, userIds: readonly string[]): Promise<string[]> {
  let cold = userIds;
  let pauseMs = FIRST_PAUSE_MS;
  for (let round = 1; round <= ROUNDS && cold.length > 0; round++) {
    if (round > 1) {
      await sleep(pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    const outcomes = await recountUsers(books, cold, { evenIfWarm: false, respectMs: RESPECT_MS });
    cold = cold.filter((userId) => !['installed', 'warm'].includes(outcomes.get(userId)!));
  }
  return [...cold];
}

/**
 * Makes counters anew from other sums than those of the rows, whatever anybody recounts meanwhile.
 * @returns the users that could not be done within a bounded time, since they were counted or recounted all the time
 * @throws CountersError, StoreError, and what `sumsAt` throws
 */
export async function replaceUsers(
  books: Books,
  userIds: readonly string[],
  sumsAt: SumsAt,
): Promise<string[]> {
  let left = userIds;
  for (let round = 1; round <= ROUNDS && left.length > 0; round++) {
    if (round > 1) await sleep(FIRST_PAUSE_MS * Math.random() * round);
    const outcomes = await recountUsers(books, left, { evenIfWarm: true, respectMs: 0 }, sumsAt);
    left = left.filter((userId) => outcomes.get(userId) !== 'installed');
  }
  return [...left];
}
