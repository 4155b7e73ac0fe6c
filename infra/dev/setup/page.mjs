import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';

/** All sources of the page. packages/client and packages/domain are bundled into it. */
const SOURCES = [
  'pnpm-lock.yaml',
  'packages/client/src',
  'packages/domain/src',
  'services/web/index.html',
  'services/web/package.json',
  'services/web/src',
  'services/web/vite.config.ts',
];

/**
 * Builds services/web. Skips this if its sources have not changed since the last build.
 *
 * @param {string} root
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function buildPage(root) {
  const folder = join(root, 'services', 'web');
  const stamp = stampOf(root);
  // Next to the build, so that deleting the build deletes the stamp too.
  const stampFile = join(folder, 'dist', '.calltally-built');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return false;
  await run(join(folder, 'node_modules', '.bin', 'vite'), ['build'], { cwd: folder });
  writeFileSync(stampFile, stamp);
  return true;
}

/** @param {string} root */
function stampOf(root) {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of filesOf(join(root, source))) hash.update(`${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** @param {string} path a file, or a folder to list with its subfolders */
function filesOf(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}
