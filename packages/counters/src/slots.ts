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
  return [...text.matchAll(/(\d+)-(\d+)/g)].map(([, first, last]) => [Number(first), Number(last)]);
}

/** Single slots as ranges. */
export function rangesOf(slots: Iterable<number>): Slots {
  return joinSlots([...slots].map((slot) => [slot, slot]));
}

/** The same slots in ascending ranges that do not touch. */
export function joinSlots(slots: Slots): Slots {
  const joined: Slots = [];
  for (const [first, last] of slots.toSorted(([a], [b]) => a - b)) {
    const range = joined.at(-1);
    if (range !== undefined && first <= range[1] + 1) range[1] = Math.max(range[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** Those of the first that are also among the second, or that are not. */
export function splitSlots(slots: Slots, by: Slots): { among: Slots; beyond: Slots } {
  const among: Slots = [];
  const beyond: Slots = [];
  for (const [first, last] of slots) {
    for (let slot = first; slot <= last; slot++) (holds(by, slot) ? among : beyond).push([slot, slot]);
  }
  return { among: joinSlots(among), beyond: joinSlots(beyond) };
}
