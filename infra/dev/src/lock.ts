import { tryLock } from '@calltally/stack';
import { DevError } from './options.ts';

/**
 * Takes the lock for this process.
 * @returns what gives it back
 * @throws DevError DEV_ALREADY_RUNNING while its holder lives
 */
export async function takeLock(file: string): Promise<() => Promise<void>> {
  const attempt = await tryLock(file);
  if ('release' in attempt) return attempt.release;
  const who = attempt.holder === undefined ? '' : ` (process ${attempt.holder})`;
  throw new DevError(
    'DEV_ALREADY_RUNNING',
    `npm start is already running in this folder${who}; its addresses are in .calltally/stack.json, Ctrl-C there ends it`,
  );
}
