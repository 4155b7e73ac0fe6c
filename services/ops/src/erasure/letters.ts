import type { Store } from '@calltally/store';
import type { OpsSettings } from '../context.ts';
import { connectDeadLetters, type FoundDeadLetter, scanLetters } from '../dead-letters/dead-letter-client.ts';
import { HookLetters } from '../dead-letters/hook-letters.ts';
import { CommandError } from '../failure.ts';

/** Dead letters of a user, and how many of them have a status. */
export interface UserLetters {
  letters: number;
  statuses: number;
}

/**
 * Finds the dead letters of a user, and forgets what was done with them.
 * @param dryRun counts, and changes nothing
 * @param onProgress letters that were read, of all
 * @throws StoreError, errors of kafkajs
 */
export async function forgetLetters(
  { kafka }: OpsSettings,
  store: Store,
  {
    userId,
    dryRun,
    onProgress,
    signal,
  }: {
    userId: string;
    dryRun: boolean;
    onProgress: (done: number, all: number) => void;
    signal: AbortSignal;
  },
): Promise<UserLetters> {
  const own: UserLetters = { letters: 0, statuses: 0 };
  const client = await connectDeadLetters(kafka, store).catch((thrown) => {
    if (thrown instanceof CommandError && thrown.code === 'DLQ_UNKNOWN') return undefined;
    throw thrown;
  });
  if (client === undefined) return own;
  const hookLetters = new HookLetters(store);
  await scanLetters(client, {
    selection: { ids: [], filters: {} },
    async take(found) {
      const letters: FoundDeadLetter[] = [];
      for (const one of found) if ((await hookLetters.usersOf(one.letter)).has(userId)) letters.push(one);
      const settled = letters.filter(({ status }) => status !== undefined);
      if (!dryRun) await store.deadLetterStatuses.forget(settled.map(({ event }) => event));
      own.letters += letters.length;
      own.statuses += settled.length;
      return true;
    },
    onProgress,
    signal,
  });
  signal.throwIfAborted();
  return own;
}
