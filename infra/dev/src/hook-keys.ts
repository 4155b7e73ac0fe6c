import { randomBytes } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivate } from './stack-file.ts';

/**
 * The file for `HOOK_KEYS_FILE`, unless `env` has keys. Kept between starts, since what it encrypts is, too.
 * @returns its path; null if `env` has `HOOK_KEYS`
 */
export async function hookKeysFile(folder: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (env.HOOK_KEYS) return null;
  if (env.HOOK_KEYS_FILE) return env.HOOK_KEYS_FILE;
  const file = join(folder, 'hook-keys');
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) await writePrivate(file, `local:${randomBytes(32).toString('base64')}\n`);
  return file;
}
