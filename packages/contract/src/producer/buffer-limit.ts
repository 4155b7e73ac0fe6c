export interface Room {
  events: number;
  bytes: number;
}

interface Waiting {
  bytes: number;
  enter: () => void;
  timer: NodeJS.Timeout;
}

/** Limits how many events, and how many bytes of them, are buffered; the others wait in order of arrival. */
export class BufferLimit {
  readonly #limit: Room;
  readonly #waiting: Waiting[] = [];
  readonly #used: Room = { events: 0, bytes: 0 };

  constructor(limit: Room) {
    this.#limit = limit;
  }

  /**
   * Calls `enter` as soon as there is room and everybody before has entered, or `giveUp` after `timeoutMs`. Callbacks and
   * not a promise, which continues one microtask later: a caller that finds room meanwhile would overtake.
   */
  take(bytes: number, timeoutMs: number, enter: () => void, giveUp: () => void): void {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#use(bytes);
      enter();
      return;
    }
    const entry = {
      bytes,
      enter,
      timer: setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        giveUp();
        this.#admit();
      }, timeoutMs),
    };
    this.#waiting.push(entry);
  }

  /** Gives room back. The longest waiting take it. */
  leave({ events, bytes }: Room): void {
    this.#used.events -= events;
    this.#used.bytes -= bytes;
    this.#admit();
  }

  #admit(): void {
    let count = 0;
    for (const { bytes } of this.#waiting) {
      if (!this.#fits(bytes)) break;
      this.#use(bytes);
      count++;
    }
    for (const { enter, timer } of this.#waiting.splice(0, count)) {
      clearTimeout(timer);
      enter();
    }
  }

  #use(bytes: number): void {
    this.#used.events++;
    this.#used.bytes += bytes;
  }

  /** An event larger than the limit enters alone, or it would wait for ever. */
  #fits(bytes: number): boolean {
    const { events, bytes: used } = this.#used;
    return events === 0 || (events < this.#limit.events && used + bytes <= this.#limit.bytes);
  }
}
