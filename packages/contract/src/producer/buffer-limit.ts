/** Limits how many events are buffered; the others wait in order of arrival. */
export class BufferLimit {
  readonly #waiting: { enter: () => void; timer: NodeJS.Timeout }[] = [];
  #free: number;

  constructor(places: number) {
    this.#free = places;
  }

  /**
   * Calls `enter` as soon as there is a place and everybody before has one, or `giveUp` after `timeoutMs`. Callbacks and not
   * a promise, which continues one microtask later: a caller that finds a place meanwhile would overtake.
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

  /** Returns places. The longest waiting take them. */
  leave(places: number): void {
    const entering = this.#waiting.splice(0, places);
    this.#free += places - entering.length;
    for (const { enter, timer } of entering) {
      clearTimeout(timer);
      enter();
    }
  }
}
