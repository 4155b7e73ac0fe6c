import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** PostgreSQL refuses to run as root; there it runs as this user, commonly called nobody. */
export const UNPRIVILEGED_UID = 65_534;

/**
 * Whether a user other than the owner can get to what will lie in `folder`; below root's home, commonly, not.
 * Folders that do not exist yet are made passable by `makePassable`.
 */
export async function isPassable(folder: string): Promise<boolean> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Makes the folder, and what is missing above it, so that others can pass whatever the umask. */
export async function makePassable(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let path = resolve(folder); path.startsWith(first); path = dirname(path)) await chmod(path, 0o755);
}
