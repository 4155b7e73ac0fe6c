import type { CounterSession } from './session.ts';
import { Tracking } from './tracking.ts';

/** What a session remembers of Redis. */
export interface Remembered {
  /** Questions that were answered from memory. */
  hits: number;
  /** Questions that had to wait for Redis. */
  misses: number;
  bytes: number;
  /** Masters of which nothing is remembered, since they do not tell which keys have changed. */
  untracked: number;
}

export function rememberedBy({ masters }: Pick<CounterSession, 'masters'>): Remembered {
  const sum: Remembered = { hits: 0, misses: 0, bytes: 0, untracked: 0 };
  for (const { tracking } of masters) {
    if (tracking instanceof Tracking) {
      sum.hits += tracking.readings.hits;
      sum.misses += tracking.readings.misses;
      sum.bytes += tracking.readings.bytes;
    } else sum.untracked += 1;
  }
  return sum;
}
