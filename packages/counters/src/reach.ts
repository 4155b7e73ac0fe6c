import type { CounterSession } from './session.ts';
import { SLOTS } from './slots.ts';

/** How much of Redis a session reaches. A single node is one master with all users. */
export interface Reach {
  masters: number;
  /** Masters that cannot be used now. */
  mastersAway: number;
  /** Share of the users whose master cannot be used, by hash slots: 0 to 1. */
  usersAway: number;
}

export function reachOf({ masters, absent }: Pick<CounterSession, 'masters' | 'absent'>): Reach {
  const usable = masters.filter(({ lost }) => lost === undefined);
  const reached = usable
    .flatMap(({ slots }) => slots)
    .reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const all = masters.length + absent.length;
  return { masters: all, mastersAway: all - usable.length, usersAway: 1 - reached / SLOTS };
}
