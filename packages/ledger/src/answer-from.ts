import { CountersError } from '@calltally/counters';
import { StoreError } from '@calltally/store';
import type { CountersLink, LiveCounters } from './counters-link.ts';
import { LedgerError } from './errors.ts';
import type { RecountQueue } from './recount-queue.ts';

export type Source = 'counters' | 'counters+mongo' | 'mongo';

/** How an answer was read. */
export interface HowRead {
  source: Source;
  /** Epoch ms: everything producers had been told is safe by then is counted here. */
  asOfMs: number | undefined;
}

/**
 * An answer from counters; from rows where there is no Redis, it does not answer in time, or the user is cold, who is
 * then recounted behind the answer.
 *
 * @param fromCounters gives undefined when the counters cannot answer
 * @throws LedgerError LEDGER_UNAVAILABLE when neither store can answer within its time limit
 */
export async function answerFrom<T>(
  { link, recounts }: { link: CountersLink; recounts: RecountQueue },
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
      recounts.add(userId);
    }
    return await fromRows();
  } catch (thrown) {
    if (thrown instanceof StoreError) {
      throw new LedgerError('LEDGER_UNAVAILABLE', 'the stores cannot answer at present', thrown);
    }
    throw thrown;
  }
}
