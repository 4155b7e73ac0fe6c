import type { Tally } from '@calltally/domain';

/** Calls of the UTC day, ISO week and month that hold now. */
export interface CurrentCalls {
  today: number;
  thisWeek: number;
  thisMonth: number;
}

/** The default window and the current periods, added up by the first reader of a UTC day and kept true by `apply`. */
export interface ReadySums extends CurrentCalls {
  /** The UTC day, week and month that they hold for. */
  day: number;
  week: number;
  month: number;
  /** The 31 days that end with `day`. */
  window: Tally;
}

/** What a reader of the default window is told. */
export interface ReadyReading extends ReadySums {
  /** No counted call starts later than this, epoch ms; -1 where there is no call. */
  lastStartedAt: number;
}

/**
 * Reads them as lua/read.lua and lua/apply.lua write them: one text, since each field of a reply costs as much as the
 * rest of it. For all but users with tens of millions of calls it fits into 64 bytes, so that the hash stays a listpack.
 */
export function readyOf(text: string): ReadySums {
  return sumsOf(numbersIn(text));
}

/** Of lua/ready.lua: the same text with the latest start behind it. */
export function readyReadingOf(text: string): ReadyReading {
  const numbers = numbersIn(text);
  return { ...sumsOf(numbers), lastStartedAt: numbers[8]! };
}

function sumsOf(numbers: readonly number[]): ReadySums {
  return {
    day: numbers[0]!,
    week: numbers[1]!,
    month: numbers[2]!,
    today: numbers[3]!,
    thisWeek: numbers[4]!,
    thisMonth: numbers[5]!,
    window: { calls: numbers[6]!, durationMs: numbers[7]! },
  };
}

const ZERO = 48;
const MINUS = 45;

/** Whole numbers with a space between them, each below 2^53. By hand, since every dashboard is read by this. */
function numbersIn(text: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  let sign = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO) number = number * 10 + (code - ZERO);
    else if (code === MINUS) sign = -1;
    else {
      numbers.push(sign * number);
      number = 0;
      sign = 1;
    }
  }
  numbers.push(sign * number);
  return numbers;
}
