import { randomUUID } from 'node:crypto';
import { fillSlotKey } from './keys.ts';
import type { CounterSession } from './session.ts';

/** Longer than a round, unless Mongo is slow. Then more sums are asked for than there are slots, but no number is wrong. */
const LEASE_MS = 15_000;

/**
 * Takes one of the slots, works, and releases it. Slots bound how many sums all processes together ask of Mongo at once.
 * @param work may release the slot itself, once it asks for no more sums
 * @returns undefined if all slots are taken
 * @throws CountersError, and what the work throws
 */
export async function withFillSlot<T>(
  session: CounterSession,
  slots: number,
  work: (release: () => Promise<void>) => Promise<T>,
): Promise<T | undefined> {
  const holder = randomUUID();
  const slot = await acquireFillSlot(session, slots, holder);
  if (slot === undefined) return undefined;
  let isHeld = true;
  const release = async () => {
    if (!isHeld) return;
    isHeld = false;
    // A slot that is not released expires.
    await releaseFillSlot(session, slot, holder).catch(() => {});
  };
  try {
    return await work(release);
  } finally {
    await release();
  }
}

/**
 * @param holder a name that nobody else has
 * @returns the slot; undefined if all are taken
 * @throws CountersError
 */
export async function acquireFillSlot(
  session: CounterSession,
  slots: number,
  holder: string,
): Promise<number | undefined> {
  const master = session.masters[0]!;
  for (let slot = 0; slot < slots; slot++) {
    const reply = await session.attempt(master, () =>
      master.redis.set(fillSlotKey(master.tag, slot), holder, 'PX', LEASE_MS, 'NX'),
    );
    if (reply === 'OK') return slot;
  }
  return undefined;
}

/** Leaves a slot alone that has expired and is somebody else's. @throws CountersError */
export async function releaseFillSlot(session: CounterSession, slot: number, holder: string): Promise<void> {
  const master = session.masters[0]!;
  await session.run(master, 'release-slot', [fillSlotKey(master.tag, slot)], [holder]);
}
