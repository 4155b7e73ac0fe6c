import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { THIS_VERSION } from '../service.ts';

const ROOT = fileURLToPath(THIS_VERSION);

/**
 * Builds a version in a folder of its own, once.
 * @returns the repository as it was then, built
 * @throws Error if the history of this clone does not have it
 */
export function obtainVersion(revision: string): URL {
  const folder = `${ROOT}.calltally/versions/${revision}`;
  const done = `${folder}/.built`;
  if (!existsSync(done)) {
    requireRevision(revision);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const archive = execFileSync('git', ['archive', revision], { cwd: ROOT, maxBuffer: 2 ** 30 });
    execFileSync('tar', ['--extract', '--file', '-'], { cwd: folder, input: archive });
    // Its own command, so that it gets what it needed then.
    execFileSync(process.execPath, ['infra/dev/setup.mjs', 'prepare'], { cwd: folder, stdio: 'inherit' });
    writeFileSync(done, '');
  }
  return pathToFileURL(`${folder}/`);
}

function requireRevision(revision: string): void {
  try {
    execFileSync('git', ['cat-file', '-e', `${revision}^{commit}`], { cwd: ROOT, stdio: 'pipe' });
  } catch (thrown) {
    const said = String((thrown as { stderr?: Buffer }).stderr ?? thrown).trim();
    const remedy = 'if the clone is shallow, run `git fetch --unshallow`';
    throw new Error(`this clone does not have ${revision} (${said}); ${remedy}`);
  }
}
