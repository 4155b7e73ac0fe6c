import { type ErasureRow, isErased } from '@calltally/store';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

/** Also of a value that is cut, or nested as in a CloudEvent. */
const USER_ID = /"user_id"\s*:\s*("(?:[^"\\]|\\.)*")/g;

/** The users that an event may be of: its key, and what its value says. */
export function usersOf({ key, value }: Pick<StoredDeadLetter, 'key' | 'value'>): Set<string> {
  const users = new Set<string>();
  if (key !== null) users.add(key.toString('utf8'));
  for (const [, text] of value?.toString('utf8').matchAll(USER_ID) ?? []) {
    try {
      users.add(JSON.parse(text!));
    } catch {
      // A broken escape: no user has this id.
    }
  }
  return users;
}

/**
 * Whether the event of a letter is one that the erasure drops. Letters do not say of which topic epoch they are: those of
 * an earlier one are known by their time.
 */
export function isLetterErased(
  erasure: ErasureRow,
  { source, failedAtMs }: Pick<StoredDeadLetter, 'source' | 'failedAtMs'>,
  currentStream: number,
): boolean {
  if (erasure.state !== 'finished') return true;
  if (failedAtMs <= erasure.finished_at!.getTime()) return true;
  return (
    source !== undefined &&
    erasure.stream === currentStream &&
    isErased(erasure, { ...source, stream: currentStream })
  );
}
