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

/** What was obtained once for all working trees of this user. */
export function cacheDir(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'calltally');
}

/** Whether `obtained` would find it there. */
export function isObtained(cache: string, name: string): Promise<boolean> {
  return exists(join(cache, name));
}

/**
 * The folder `name` in `cache`, which `fill` fills where it is not there yet. It appears whole or not at all:
 * `fill` gets a temporary folder, which is renamed. So the lock only spares work; two that fill at once do no
 * harm. `fill` must not write the temporary folder's name into what it leaves. Rejects with StackError where the cache
 * cannot be written, and with what `fill` rejects with.
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
    const remedy = 'make room there or let it be written, or set XDG_CACHE_HOME to another folder';
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

/** Removes what a set-up left that was killed. */
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
