import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandFailed, run } from './command.mjs';
import { createDigest } from './digest.mjs';

/**
 * Those of the arguments that name no file: tap would run the others and say nothing. What it expands by itself, and its
 * options, are left to it.
 *
 * @param {string} root @param {string[]} args
 */
export function missingFiles(root, args) {
  return args.filter((arg) => !/^-|[*?[{]/.test(arg) && !existsSync(resolve(root, arg)));
}

/**
 * Runs test files, on shared engines unless they need none; all of them where none is named.
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
