import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS_MAX = 600;

/** A temporary folder that is deleted when the test ends. */
export async function folder(t: { teardown(step: () => unknown): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'calltally-dev-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Polls `look` for half a minute until it returns a value. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`not within ${ATTEMPTS_MAX} attempts: ${look}`);
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
