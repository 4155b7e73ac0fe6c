import { randomUUID } from 'node:crypto';
import { acquireFillSlot, type CounterSession, releaseFillSlot } from '@calltally/counters';

/** Sums that all processes together ask of Mongo at once to fill users, unless `FILL_SLOTS` says otherwise. */
export const FILL_SLOTS = 1;

/**
 * Does work while holding one of the slots.
 * @returns undefined when all slots are taken
 * @throws CountersError, and what the work throws
 */
export async function withFillSlot<T>(
  session: CounterSession,
  slots: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const holder = randomUUID();
  const slot = await acquireFillSlot(session, slots, holder);
  if (slot === undefined) return undefined;
  try {
    return await work();
  } finally {
    // A slot that cannot be given back runs out.
    await releaseFillSlot(session, slot, holder).catch(() => {});
  }
}
