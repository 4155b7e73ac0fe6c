import type { DeadLetterState } from '@calltally/store';
import type { DeadLetterClient, FoundDeadLetter } from './dead-letter-client.ts';
import type { Problem } from './with-dead-letters.ts';

/** What is to become of letters. */
export interface Aim {
  state: DeadLetterState;
  /** Whether letters were named by id, and not chosen by filters. */
  named: boolean;
  /** Whether letters that were retried or discarded before are meant, too. */
  again: boolean;
}

/**
 * The letters that the aim is about: one for each event that is open, or that is to be settled again. Filters choose
 * open letters only. Reports a named letter that was settled the other way.
 * @returns also how many named letters are as asked already
 */
export async function lettersToSettle(
  found: readonly FoundDeadLetter[],
  { state, named, again }: Aim,
  report: (problem: Problem) => Promise<void>,
): Promise<{ letters: FoundDeadLetter[]; already: number }> {
  const letters: FoundDeadLetter[] = [];
  let already = 0;
  for (const one of new Map(found.map((one) => [one.event, one])).values()) {
    const { status, letter } = one;
    if (status === undefined) letters.push(one);
    else if (!named) continue;
    // Publishing once more does something, discarding once more does not.
    else if (status.state === state && (state === 'discarded' || !again)) already++;
    else if (again) letters.push(one);
    else {
      const verb = state === 'retried' ? 'publishes' : 'discards';
      const message = `it was ${status.state} at ${status.at.toISOString()}; --again ${verb} it anyway`;
      await report({ letter: letter.id, code: 'LETTER_SETTLED', message });
    }
  }
  return { letters, already };
}

/** Writes the state of letters. @throws StoreError */
export async function settle(
  client: DeadLetterClient,
  letters: readonly FoundDeadLetter[],
  state: DeadLetterState,
): Promise<void> {
  const events = letters.map(({ event, letter }) => ({
    id: event,
    letter: `${letter.dlqTopic}:${letter.id}`,
  }));
  await client.store.deadLetterStatuses.set(events, state);
}
