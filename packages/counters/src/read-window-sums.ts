import { dayOf } from '@calltally/domain';
import type { Generations } from './generation.ts';
import { userKey } from './keys.ts';
import type { CounterSession } from './session.ts';
import { type WindowReading, windowReadingOf } from './window-sums.ts';

/**
 * The sums kept ready in the user's hash; one command for all users that are asked for at once.
 * @returns undefined when they are of another UTC day, or the user is unknown here: then `readBuckets` tells
 * @throws CountersError
 */
export async function readWindowSums(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): Promise<WindowReading | undefined> {
  const master = session.master(userId);
  const generation = generations.get(master);
  if (generation === undefined) return undefined;
  const text = await session.ready(master, generation.id, userKey(userId));
  if (text === '') return undefined;
  const reading = windowReadingOf(text);
  return reading.day === dayOf(nowMs) ? reading : undefined;
}
