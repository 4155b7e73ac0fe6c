import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFileFault, StackError } from '../errors.ts';
import { tryLock } from '../lock.ts';
import { makePassable } from './passable.ts';

const LOCK_WAIT_MS = 15 * 60_000;
const LOCK_POLL_MS = 250;
const LEFTOVER_AGE_MS = 60 * 60_000;

/** The cache folder, shared by all working trees of this user. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'calltally');
}

/** Whether the cache has the folder that `obtained` would return. */
export function isObtained(cache: string, name: string): Promise<boolean> {
  return exists(join(cache, name));
}

/**
 * Returns the folder `name` in `cache`. If it does not exist, `fill` fills a temporary folder that is then renamed, so
 * the folder is either complete or absent. The lock only saves work: two processes may fill at once without harm.
 * `fill` must not write the temporary folder's path into any file. Rejects with StackError if the cache cannot be
 * written, and with whatever `fill` rejects with.
 */
export async function obtained(
  cache: string,
  name: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  try {
    return await obtain(cache, name, fill);
  } catch (error) {
    if (!isFileFault(error)) throw error;
    const remedy = 'make room there, allow writing to it, or set XDG_CACHE_HOME to another folder';
    throw new StackError(
      'STACK_UNAVAILABLE',
      'cache',
      `${cache}: ${(error as Error).message}`,
      remedy,
      error,
    );
  }
}

async function obtain(cache: string, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const final = join(cache, name);
  if (await exists(final)) return final;
  await makePassable(cache);
  return withLock(join(cache, `${name}.lock`), async () => {
    if (await exists(final)) return final;
    await sweep(cache, name);
    const draft = join(cache, `.${name}.${randomBytes(4).toString('hex')}`);
    await mkdir(draft);
    await chmod(draft, 0o755);
    try {
      await fill(draft);
      await rename(draft, final).catch(async (error) => {
        if (!(await exists(final))) throw error;
      });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
    return final;
  });
}

/** Removes old temporary folders of killed processes. */
async function sweep(cache: string, name: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    const path = join(cache, entry);
    if (!entry.startsWith(`.${name}.`)) continue;
    const touched = await stat(path).catch(() => undefined);
    const isOld = touched !== undefined && Date.now() - touched.mtimeMs > LEFTOVER_AGE_MS;
    if (isOld) await rm(path, { recursive: true, force: true });
  }
}

async function withLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    const attempt = await tryLock(file);
    if ('release' in attempt) return work().finally(attempt.release);
    if (Date.now() > deadline) throw new Error(`process ${attempt.holder} holds ${file}`);
    await sleep(LOCK_POLL_MS);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
