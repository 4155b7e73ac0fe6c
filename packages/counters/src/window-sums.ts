import { dayOf, type Tally } from '@calltally/domain';
import { findGeneration, type Generation, type Generations } from './generation.ts';
import { userKey } from './keys.ts';
import { recall, recallNow } from './recall.ts';
import { inRedisSpan } from './redis-span.ts';
import type { Question } from './remembered-readings.ts';
import type { CounterSession } from './session.ts';

/** Calls of the current UTC day, ISO week and month. */
export interface CurrentCalls {
  today: number;
  thisWeek: number;
  thisMonth: number;
}

/** Sums of the default window and the current periods. The first reader of a UTC day adds them up; `apply` keeps them true. */
export interface WindowSums extends CurrentCalls {
  /** The UTC day, week and month that the sums are of. */
  day: number;
  week: number;
  month: number;
  /** The 31 days that end with `day`. */
  window: Tally;
}

export interface WindowReading extends WindowSums {
  /** No counted call starts later than this, epoch ms; -1 without a call. */
  lastStartedAt: number;
}

/**
 * Reads a user's window sums, in one command for all users that are asked for at once.
 * @returns undefined if they are of another UTC day or the user is unknown; `readBuckets` may still know
 * @throws CountersError
 */
export async function readWindowSums(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): Promise<WindowReading | undefined> {
  const master = session.master(userId);
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) return undefined;
  const reading = await recall(master, questionOf(generation, userId), async () => {
    const key = userKey(userId);
    return readingOf(await inRedisSpan('window-sums', 1, () => master.windowSums.ask(generation.id, key)));
  });
  return reading?.day === dayOf(nowMs) ? reading : undefined;
}

/** As `readWindowSums`, at once, if they are remembered; undefined otherwise. */
export function recallWindowSums(
  session: CounterSession,
  generations: Generations,
  userId: string,
  nowMs: number,
): WindowReading | undefined {
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) return undefined;
  const question = questionOf(generation, userId);
  const reading = recallNow<WindowReading>(session.master(userId), question);
  return reading?.day === dayOf(nowMs) ? reading : undefined;
}

function questionOf({ id }: Generation, userId: string): Question {
  return { generation: id, userId, text: 'window-sums' };
}

function readingOf(text: string): WindowReading | undefined {
  if (text === '') return undefined;
  const numbers = new Numbers(text);
  const reading = sumsOf(numbers) as WindowReading;
  reading.lastStartedAt = numbers.next();
  return reading;
}

/**
 * Parses window sums as lua/buckets.lua and lua/apply.lua write them: as one text, because each field of a reply costs as
 * much as the rest of it. For all but users with tens of millions of calls the text is below 64 bytes, so the hash stays
 * a listpack.
 */
export function parseWindowSums(text: string): WindowSums {
  return sumsOf(new Numbers(text));
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

/** Parses whole numbers below 2^53, separated by spaces. `split` and `Number` take four times as long. */
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
