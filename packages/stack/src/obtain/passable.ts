import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** PostgreSQL refuses to run as root. Root runs it as this user, usually called `nobody`. */
export const UNPRIVILEGED_UID = 65_534;

/**
 * Whether users other than the owner can reach files in `folder`. They usually cannot in root's home. Folders that do
 * not exist yet count as passable, because `makePassable` creates them so.
 */
export async function isPassable(folder: string): Promise<boolean> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/** Creates the folder and its missing parents so that other users can enter them, whatever the umask is. */
export async function makePassable(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let path = resolve(folder); path.startsWith(first); path = dirname(path)) await chmod(path, 0o755);
}
