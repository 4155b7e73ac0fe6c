import { tryLock } from '@calltally/stack';
import { DevError } from './options.ts';

/**
 * Acquires the lock for this process.
 * @returns a function that releases it
 * @throws DevError DEV_ALREADY_RUNNING if another process holds it
 */
export async function takeLock(file: string): Promise<() => Promise<void>> {
  const attempt = await tryLock(file);
  if ('release' in attempt) return attempt.release;
  const who = attempt.holder === undefined ? '' : ` (process ${attempt.holder})`;
  throw new DevError(
    'DEV_ALREADY_RUNNING',
    `npm start or npm run cluster is already running in this folder${who}; its addresses are in .calltally/stack.json, and Ctrl-C in its terminal stops it`,
  );
}
