import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The files that differ from the commit where this branch started, committed or not, and which of them were deleted.
 *
 * @param {string} root
 * @param {string} [base] the branch or commit to compare with; default: the main branch
 * @returns {{changed: string[], gone: string[]}} paths relative to the root
 */
export function changedFiles(root, base) {
  const from = startOf(root, base === undefined ? ['origin/main', 'main'] : [base]);
  const tracked = git(root, 'diff', '--name-only', '--no-renames', '-z', from);
  const others = git(root, 'ls-files', '--others', '--exclude-standard', '-z');
  const changed = `${tracked}${others}`.split('\0').filter((file) => file !== '');
  return { changed, gone: changed.filter((file) => !existsSync(join(root, file))) };
}

/** The merge base of HEAD and the first of these that exists. @param {string} root @param {string[]} bases */
function startOf(root, bases) {
  for (const base of bases) {
    try {
      return git(root, 'merge-base', base, 'HEAD').trim();
    } catch {
      // not in this clone
    }
  }
  throw new NoBase(`there is no ${bases.join(' and no ')} here that this branch has a commit in common with`);
}

/** There is no commit to compare with. */
export class NoBase extends Error {}

/** @param {string} root @param {string[]} args */
function git(root, ...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
