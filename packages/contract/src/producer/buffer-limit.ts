/** Places for a bounded number of things; who finds none waits for one, first come, first served. */
export class BufferLimit {
  readonly #waiting: { enter: () => void; timer: NodeJS.Timeout }[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Calls `enter` at once where there is a place and nobody waits, or else when one comes free;
   * `giveUp` where none does in time. Callbacks, because a promise would let a later one slip in.
   */
  take(timeoutMs: number, enter: () => void, giveUp: () => void): void {
    if (this.#free > 0 && this.#waiting.length === 0) {
      this.#free--;
      enter();
      return;
    }
    const entry = {
      enter,
      timer: setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        giveUp();
      }, timeoutMs),
    };
    this.#waiting.push(entry);
  }

  /** Gives places back, to those who wait first. */
  leave(places: number): void {
    const entering = this.#waiting.splice(0, places);
    this.#free += places - entering.length;
    for (const { enter, timer } of entering) {
      clearTimeout(timer);
      enter();
    }
  }
}
