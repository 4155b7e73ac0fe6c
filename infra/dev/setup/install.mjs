import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from './command.mjs';

/**
 * Installs the dependencies of all package.json files with the pnpm version that the root one names. Skips this if the
 * files have not changed since the last installation.
 *
 * @param {string} root
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function install(root) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const stamp = stampOf(root);
  // In node_modules, so that deleting node_modules deletes the stamp too.
  const stampFile = join(root, 'node_modules', '.calltally-installed');
  if (readOr(stampFile, '') === stamp) return false;
  console.log('installing packages …');
  const env = { ...process.env, CI: process.env.CI ?? 'true' };
  await run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], { cwd: root, env }).catch(
    (error) => {
      // npm's own advice always blames the owner of its cache, whatever the real problem is.
      if (/\b(EACCES|EPERM|EROFS|ENOSPC)\b/.test(error.output)) {
        error.message +=
          '; allow writing to the path above, or set HOME to a folder that this user can write';
      }
      throw error;
    },
  );
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(stampFile, stamp);
  return true;
}

/**
 * Builds tap's `t` from the plugins in `.taprc`. Skips this if it was built since the installation.
 *
 * @param {string} root
 * @returns {Promise<boolean>} whether there was anything to do
 */
export async function buildTap(root) {
  const stamp = `built in files of its own\n${readOr(join(root, '.taprc'), '')}`;
  const folder = builtTap(root);
  // Next to the build, so that an installation that replaces the build deletes the stamp too.
  const stampFile = join(folder, '.calltally');
  if (readOr(stampFile, '-') === stamp) return false;
  // pnpm links these files to its store. Without a copy, tap would overwrite them for every other checkout, whose tests
  // may be running.
  const copy = `${folder}.copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder, copy, { recursive: true, verbatimSymlinks: true });
  rmSync(folder, { recursive: true });
  renameSync(copy, folder);
  await run(join(root, 'node_modules', '.bin', 'tap'), ['build'], { cwd: root });
  writeFileSync(stampFile, stamp);
  return true;
}

/** The folder of tap's built `t`. @param {string} root */
export function builtTap(root) {
  return join(realpathSync(join(root, 'node_modules', 'tap')), '../@tapjs/test/test-built');
}

/** @param {string} root */
function stampOf(root) {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc', ...packageFiles(root)];
  for (const file of files) hash.update(`${file}\n${readOr(join(root, file), '')}\n`);
  return hash.digest('hex');
}

/** @param {string} root */
function packageFiles(root) {
  const folders = ['packages', 'services', 'infra'];
  return folders
    .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}/package.json`))
    .sort();
}

/** @param {string} file @param {string} fallback */
function readOr(file, fallback) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return fallback;
  }
}
