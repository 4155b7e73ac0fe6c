import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommandFailed, run } from './command.mjs';

/** npm's `node` installs this package by a script. It is installed directly, as npm may be set to run no scripts. */
const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
const NAME = `${prefix}-${process.platform}-${process.arch}`;

/**
 * Downloads a Node of this version from npm, once for all working trees of this user.
 *
 * @param {string} version such as `24.21.0`
 * @returns {Promise<string>} the folder of its `node`
 */
export async function obtainNode(version) {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'calltally');
  const final = join(cache, `node-${version}`);
  const bin = (/** @type {string} */ folder) => join(folder, 'node_modules', NAME, 'bin');
  if (existsSync(final)) return bin(final);
  mkdirSync(cache, { recursive: true });
  const draft = mkdtempSync(`${final}.`);
  try {
    const options = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', draft];
    await run('npm', ['install', ...options, `${NAME}@${version}`], { cwd: draft });
    const said = execFileSync(join(bin(draft), 'node'), ['--version'], { encoding: 'utf8' }).trim();
    if (said !== `v${version}`) throw new CommandFailed(`${NAME} ${version} reports version ${said}`, '', 1);
    renameSync(draft, final);
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(final)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return bin(final);
}
