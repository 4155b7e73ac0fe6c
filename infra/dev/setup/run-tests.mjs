import { existsSync, statSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { CommandFailed, run } from './command.mjs';
import { createDigest } from './digest.mjs';

/**
 * The arguments that name no existing file: tap would silently skip them. Patterns and options are left to tap.
 *
 * @param {string} root @param {string[]} args
 */
export function missingFiles(root, args) {
  return args.filter((arg) => !/^-|[*?[{]/.test(arg) && !existsSync(resolve(root, arg)));
}

/**
 * The arguments with the tests below a folder in its place, each once: tap would silently skip a folder.
 *
 * @param {string} root @param {string[]} args without those that are missing @param {string[]} tests all, relative to the root
 * @returns {{chosen: string[], empty: string[]}} `empty`: the folders without a test
 */
export function chooseTests(root, args, tests) {
  /** @type {string[]} */
  const empty = [];
  const chosen = args.flatMap((arg) => {
    const path = resolve(root, arg);
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [arg];
    const folder = relative(root, path).split(sep).join('/');
    const below = tests.filter((test) => folder === '' || test.startsWith(`${folder}/`));
    if (below.length === 0) empty.push(arg);
    return below;
  });
  return { chosen: [...new Set(chosen)], empty };
}

/**
 * Runs the given test files, or all tests if none are given. Starts the shared engines unless `engines` is false.
 *
 * @param {string} root @param {string[]} files
 * @param {{engines?: boolean}} options
 * @returns {Promise<number>} the exit status of tap
 */
export async function runTests(root, files, { engines = true } = {}) {
  const digest = createDigest((line) => console.log(line));
  const bin = join(root, 'node_modules', '.bin');
  const tap = [join(bin, 'tap'), '--reporter=tap', ...files];
  const [command = '', ...args] = engines
    ? [process.execPath, 'packages/stack/bin/with-engines.js', ...tap]
    : tap;
  let status = 0;
  await run(command, args, {
    cwd: root,
    onOutput: (text) => digest.write(text),
    onErrors: (text) => process.stderr.write(text),
  }).catch((error) => {
    if (!(error instanceof CommandFailed)) throw error;
    status = error.status;
  });
  const { passed, failed } = digest.end() ?? { passed: 0, failed: 1 };
  console.log(`\n${passed} passed, ${failed} failed`);
  return status;
}
