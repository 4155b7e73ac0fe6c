import calculateSlot from 'cluster-key-slot';

/** Inclusive ranges of hash slots, ascending. */
export type Slots = [number, number][];

export const SLOTS = 16384;

export const slotOf: (key: string) => number = calculateSlot;

export function holds(slots: Slots, slot: number): boolean {
  return slots.some(([first, last]) => slot >= first && slot <= last);
}

/** As `0-5460 9000-9000`. */
export function slotsText(slots: Slots): string {
  return slots.map((range) => range.join('-')).join(' ');
}

export function parseSlots(text: string): Slots {
  if (text === '') return [];
  return text.split(' ').map((range) => range.split('-').map(Number) as [number, number]);
}

/** Those slots that `isAmong` accepts, as joined ranges. */
export function slotsWhere(isAmong: (slot: number) => boolean): Slots {
  const slots: Slots = [];
  for (let slot = 0; slot < SLOTS; slot++) {
    if (!isAmong(slot)) continue;
    const range = slots.at(-1);
    if (range?.[1] === slot - 1) range[1] = slot;
    else slots.push([slot, slot]);
  }
  return slots;
}
