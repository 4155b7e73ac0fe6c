import calculateSlot from 'cluster-key-slot';

/** So few slots that each move matters: those of both users, and of the keys where generations may lie. */
const KEYS = [
  'ct2:{u-a}',
  'ct2:{u-b}',
  'ct2:ledger:{0}',
  'ct2:ledger:{1}',
  'ct2:ledger:{2}',
  'ct2:ledger:{3}',
];
/** By slot in the order of `KEYS`, the master that holds it at first. */
const HOLDERS = [0, 1, 0, 1, 1, 0];

/** The masters of a Redis Cluster. Their data is one map of keys; a key lies on the master that holds its slot. */
export class Cluster {
  readonly masters = [0, 1];
  readonly slots = KEYS.map((key) => calculateSlot(key));
  readonly away = new Set<number>();
  readonly #holders = new Map(this.slots.map((slot, i) => [slot, HOLDERS[i]!]));

  /** The master that holds a key; undefined if none does. */
  holderOf(key: string): number | undefined {
    return this.#holders.get(calculateSlot(key));
  }

  slotsOf(master: number): number[] {
    return this.slots.filter((slot) => this.#holders.get(slot) === master).sort((a, b) => a - b);
  }

  move(slot: number, to: number): void {
    this.#holders.set(slot, to);
  }

  /** What its masters are, for two worlds from which the same can follow. */
  state(): unknown {
    return [[...this.#holders], [...this.away].sort()];
  }
}

/** Names of a master's nodes, as `MasterNode.nodes`. */
export function nodesOf(master: number): string[] {
  return [`node-${master}`, `replica-${master}`];
}

export function slotOf(userId: string): number {
  return calculateSlot(`ct2:{${userId}}`);
}

/** Whether ranges such as `5-7 9-9` include the slot of a user. */
export function includesSlot(ranges: string, userId: string): boolean {
  const slot = slotOf(userId);
  return ranges.split(' ').some((range) => {
    const [first, last] = range.split('-').map(Number);
    return slot >= first! && slot <= last!;
  });
}

export function generationKeyOf(tag: number): string {
  return `ct2:ledger:{${tag}}`;
}

const tagOfSlot = new Map<number, number>();
let nextTag = 0;

/** The tag of a master's own keys: the least one in its slots. */
export function tagOf(slots: readonly number[]): number {
  while (!slots.every((slot) => tagOfSlot.has(slot))) {
    const slot = calculateSlot(generationKeyOf(nextTag));
    if (!tagOfSlot.has(slot)) tagOfSlot.set(slot, nextTag);
    nextTag++;
  }
  return Math.min(...slots.map((slot) => tagOfSlot.get(slot)!));
}
