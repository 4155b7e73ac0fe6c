const FULL = 0.75;
const GROWTH = 2;
const SLOTS_MIN = 1_024;

/**
 * A set of call ids that keeps only 64 bits of each: 8 bytes per slot and no objects, so that a hundred million fit into
 * about a gigabyte. Very rarely two ids look the same, so callers must tolerate that.
 */
export class CallIds {
  #slots: Uint32Array;
  #size = 0;
  /** Both halves of the last hash. */
  #a = 0;
  #b = 0;

  /** @param expected about how many ids there will be; it takes more, too */
  constructor(expected = 0) {
    this.#slots = slotsFor(expected);
  }

  get size(): number {
    return this.#size;
  }

  /** @returns whether the id is new */
  add(callId: string): boolean {
    if (this.#size >= (this.#slots.length / 2) * FULL) this.#grow();
    this.#hash(callId);
    const at = this.#find();
    if (this.#slots[at] !== 0) return false;
    this.#slots[at] = this.#a;
    this.#slots[at + 1] = this.#b;
    this.#size += 1;
    return true;
  }

  has(callId: string): boolean {
    this.#hash(callId);
    return this.#slots[this.#find()] !== 0;
  }

  /** The slot of the last hash, or the free one where it belongs. A slot is free if its first half is 0. */
  #find(): number {
    const slots = this.#slots;
    let at = 2 * Math.floor((this.#a * slots.length) / 2 / 2 ** 32);
    while (slots[at] !== 0 && (slots[at] !== this.#a || slots[at + 1] !== this.#b)) {
      at = at + 2 === slots.length ? 0 : at + 2;
    }
    return at;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = slotsFor(this.#size * GROWTH);
    for (let at = 0; at < before.length; at += 2) {
      if (before[at] === 0) continue;
      this.#a = before[at]!;
      this.#b = before[at + 1]!;
      const to = this.#find();
      this.#slots[to] = this.#a;
      this.#slots[to + 1] = this.#b;
    }
  }

  /** Two multiplicative hashes side by side. Mixed at the end as in MurmurHash3, because the slot comes from the high bits. */
  #hash(callId: string): void {
    let a = 0xdeadbeef;
    let b = 0x41c6ce57;
    for (let i = 0; i < callId.length; i++) {
      const unit = callId.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x9e3779b1);
      b = Math.imul(b ^ unit, 0x5f356495);
    }
    this.#a = mixed(a ^ (b >>> 15)) || 1;
    this.#b = mixed(b ^ (a >>> 13));
  }
}

function slotsFor(ids: number): Uint32Array {
  return new Uint32Array(2 * Math.max(SLOTS_MIN, Math.ceil(ids / FULL) + 1));
}

function mixed(half: number): number {
  let h = Math.imul(half ^ (half >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
