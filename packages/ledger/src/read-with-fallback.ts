import { CountersError } from '@calltally/counters';
import { StoreError } from '@calltally/store';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import type { CountersLink, LiveCounters } from './counters-link.ts';
import { LedgerError } from './errors.ts';
import type { Filler } from './filler.ts';
import type { RowsAsOf } from './rows-as-of.ts';

export type AnswerSource = 'counters' | 'counters+mongo' | 'mongo';

/** How an answer was read. */
export interface AnswerMeta {
  source: AnswerSource;
  /** Epoch ms: everything that was acknowledged to producers by then is counted here. */
  asOfMs: number | undefined;
  /** The user had more cells in a month than counters hold, so rows were asked. */
  isBeyondCells?: true;
}

export interface AnswerParts {
  link: CountersLink;
  filler: Pick<Filler, 'add'>;
  rowsAsOf: RowsAsOf;
  /** Bounds answers from rows. Shared by all readers that ask the same Mongo. */
  fallbacks: ConcurrencyLimit;
}

/** A few times as many as Mongo has connections for, so that none waits for long. */
const FALLBACKS_AT_ONCE_MAX = 64;

/** When Redis goes down, everybody comes to Mongo. Without a limit it would answer nobody in time. */
export function fallbackLimit(atOnceMax = FALLBACKS_AT_ONCE_MAX): ConcurrencyLimit {
  return new ConcurrencyLimit(
    atOnceMax,
    () => new LedgerError('LEDGER_OVERLOADED', 'Mongo reads rows for as many answers as it can bear'),
  );
}

/**
 * Answers from counters. Answers from rows if Redis is down or late, or does not know the user or not enough of them; then
 * the user is filled behind the answer.
 *
 * @param read.fromCounters gives undefined if the counters cannot answer
 * @throws LedgerError LEDGER_UNAVAILABLE if neither store answers within its time limit, LEDGER_OVERLOADED if the counters
 * cannot answer and too many others are answered from rows
 */
export async function readWithFallback<T>(
  { link, filler, fallbacks }: AnswerParts,
  userId: string,
  read: { fromCounters(live: LiveCounters): Promise<T | undefined>; fromRows(): Promise<T> },
): Promise<T> {
  const live = link.current;
  try {
    if (live?.session.reaches(userId)) {
      try {
        const answer = await read.fromCounters(live);
        if (answer !== undefined) return answer;
      } catch (thrown) {
        if (!(thrown instanceof CountersError)) throw thrown;
      }
      filler.add(userId);
    }
    return await fallbacks.run(read.fromRows);
  } catch (thrown) {
    if (thrown instanceof StoreError) {
      throw new LedgerError('LEDGER_UNAVAILABLE', 'the stores cannot answer at present', thrown);
    }
    throw thrown;
  }
}
