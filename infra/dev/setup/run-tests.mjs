import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
