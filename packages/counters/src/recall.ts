import { nextTurn } from './next-turn.ts';
import type { Question } from './remembered-readings.ts';
import type { Master } from './session.ts';
import { Tracking } from './tracking.ts';

/**
 * Reads what is of one user, and changes nothing. The reading may be one from before, which still stands as far as this
 * process has been told. Such a one is given in the next turn of the event loop (`nextTurn`).
 *
 * @param ask gives plain data (plain-data.ts). What is given from memory is frozen
 * @throws CountersError
 */
export async function recall<T>(
  { lost, tracking }: Pick<Master, 'lost' | 'tracking'>,
  question: Question,
  ask: () => Promise<T>,
): Promise<T> {
  if (lost !== undefined) throw lost;
  if (!(tracking instanceof Tracking)) return ask();
  if (!tracking.isBelieved) {
    // Whoever asks next may get no older answer from memory.
    tracking.readings.forget(question.userId);
    return ask();
  }
  const reading = tracking.readings.recall(question, ask);
  if (!(reading instanceof Promise)) await nextTurn();
  return reading;
}

/** What `recall` would give from memory, at once; undefined if it would have to ask, or if nothing was found. */
export function recallNow<T>(
  { lost, tracking }: Pick<Master, 'lost' | 'tracking'>,
  question: Question,
): T | undefined {
  if (lost !== undefined || !(tracking instanceof Tracking) || !tracking.isBelieved) return undefined;
  return tracking.readings.known(question);
}
