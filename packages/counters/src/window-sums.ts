import type { Tally } from '@calltally/domain';

/** Calls of the UTC day, ISO week and month that hold now. */
export interface CurrentCalls {
  today: number;
  thisWeek: number;
  thisMonth: number;
}

/** The default window and the current periods, added up by the first reader of a UTC day and kept true by `apply`. */
export interface WindowSums extends CurrentCalls {
  /** The UTC day, week and month that they hold for. */
  day: number;
  week: number;
  month: number;
  /** The 31 days that end with `day`. */
  window: Tally;
}

/** What a reader of the default window is told. */
export interface WindowReading extends WindowSums {
  /** No counted call starts later than this, epoch ms; -1 where there is no call. */
  lastStartedAt: number;
}

/**
 * Reads them as lua/read.lua and lua/apply.lua write them: one text, since each field of a reply costs as much as the
 * rest of it. For all but users with tens of millions of calls it fits into 64 bytes, so that the hash stays a listpack.
 */
export function readyOf(text: string): WindowSums {
  return sumsOf(new Numbers(text));
}

/** Of lua/ready.lua: the same text with the latest start behind it. */
export function windowReadingOf(text: string): WindowReading {
  const numbers = new Numbers(text);
  const reading = sumsOf(numbers) as WindowReading;
  reading.lastStartedAt = numbers.next();
  return reading;
}

function sumsOf(numbers: Numbers): WindowSums {
  return {
    day: numbers.next(),
    week: numbers.next(),
    month: numbers.next(),
    today: numbers.next(),
    thisWeek: numbers.next(),
    thisMonth: numbers.next(),
    window: { calls: numbers.next(), durationMs: numbers.next() },
  };
}

const SPACE = 32;
const MINUS = 45;
const ZERO = 48;

/** Whole numbers below 2^53 with a space between them. By hand: `split` and `Number` take four times as long. */
class Numbers {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): number {
    const text = this.#text;
    let number = 0;
    let sign = 1;
    let at = this.#at;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === SPACE) break;
      if (code === MINUS) sign = -1;
      else number = number * 10 + (code - ZERO);
    }
    this.#at = at + 1;
    return sign * number;
  }
}
