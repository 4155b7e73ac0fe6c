import { CountersError } from '@calltally/counters';
import { StoreError } from '@calltally/store';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import type { CountersLink, LiveCounters } from './counters-link.ts';
import { LedgerError } from './errors.ts';
import type { Filler } from './filler.ts';

export type AnswerSource = 'counters' | 'counters+mongo' | 'mongo';

/** How an answer was read. */
export interface AnswerMeta {
  source: AnswerSource;
  /** Epoch ms: everything producers had been told is safe by then is counted here. */
  asOfMs: number | undefined;
}

export interface AnswerParts {
  link: CountersLink;
  filler: Pick<Filler, 'add'>;
  /**
   * Bounds the answers from rows: when Redis goes everybody comes, and a Mongo that is asked by all of them would answer
   * nobody in time. Refuses with LEDGER_OVERLOADED.
   */
  fallbacks: ConcurrencyLimit;
}

/** Answers from rows at once: a few times what Mongo has connections for, so that none waits for long. */
const FALLBACKS_AT_ONCE_MAX = 64;

export function fallbackLimit(atOnceMax = FALLBACKS_AT_ONCE_MAX): ConcurrencyLimit {
  return new ConcurrencyLimit(
    atOnceMax,
    () => new LedgerError('LEDGER_OVERLOADED', 'rows are read for as many answers as Mongo can bear'),
  );
}

/** Reads the edges of a plan; those of a user who is being filled may be years, and count among the answers from rows. */
export function withinLimit<T>(
  fallbacks: ConcurrencyLimit,
  { isFilling }: { isFilling?: true },
  readEdges: () => Promise<T>,
): Promise<T> {
  return isFilling ? fallbacks.run(readEdges) : readEdges();
}

/**
 * An answer from counters; from rows where there is no Redis, it does not answer in time, or it does not know
 * the user or not enough of them, who is then filled in behind the answer.
 *
 * @param fromCounters gives undefined when the counters cannot answer
 * @throws LedgerError LEDGER_UNAVAILABLE when neither store can answer within its time limit, LEDGER_OVERLOADED when the
 * counters cannot and rows are asked for too many others
 */
export async function readWithFallback<T>(
  { link, filler, fallbacks }: AnswerParts,
  userId: string,
  fromCounters: (live: LiveCounters) => Promise<T | undefined>,
  fromRows: () => Promise<T>,
): Promise<T> {
  const live = link.current;
  try {
    if (live !== undefined) {
      try {
        const answer = await fromCounters(live);
        if (answer !== undefined) return answer;
      } catch (thrown) {
        if (!(thrown instanceof CountersError)) throw thrown;
      }
      filler.add(userId);
    }
    return await fallbacks.run(fromRows);
  } catch (thrown) {
    if (thrown instanceof StoreError) {
      throw new LedgerError('LEDGER_UNAVAILABLE', 'the stores cannot answer at present', thrown);
    }
    throw thrown;
  }
}
