// `npm run test:node`: runs tests on other Node releases. Plain JavaScript without dependencies.
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailed, run, stopCommands } from './setup/command.mjs';
import { TESTED } from './setup/node-versions.mjs';
import { obtainNode } from './setup/obtain-node.mjs';
import { step } from './setup/step.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** About two minutes. They cover every codec, store and service, and what a process prints. */
const SHORT = [
  'packages/contract/test/compression.test.ts',
  'packages/contract/test/foreign-clients.test.ts',
  'packages/counters/test/apply.test.ts',
  'packages/store/test/calls.test.ts',
  'services/api/test/routes/dashboard.test.ts',
  'infra/dev/test/service.test.ts',
  'infra/e2e/test/oracle.test.ts',
  'infra/e2e/test/warnings.test.ts',
];

/**
 * Runs tests on one Node, with all processes that they start.
 *
 * @param {string} version @param {string[]} files all tests if empty
 */
async function testOn(version, files) {
  const folder = await step(`obtain Node ${version}`, () => obtainNode(version));
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` };
  await run(join(folder, 'node'), ['infra/dev/setup.mjs', 'test', ...files], {
    cwd: root,
    env,
    onOutput: (text) => process.stdout.write(text),
    onErrors: (text) => process.stderr.write(text),
  });
}

const [major, ...files] = process.argv.slice(2);
const others = Object.keys(TESTED).filter((one) => !process.version.startsWith(`v${one}.`));
if (major !== undefined && !Object.hasOwn(TESTED, major)) {
  const known = Object.keys(TESTED).join('|');
  console.error(`usage: npm run test:node                      a few tests, on every other supported Node`);
  console.error(`       npm run test:node -- ${known} [FILE…]   all tests, or these files, on that Node`);
  process.exit(2);
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => stopCommands('SIGTERM'));
try {
  if (major !== undefined) await testOn(TESTED[major] ?? '', files);
  else for (const one of others) await testOn(TESTED[one] ?? '', SHORT);
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  process.exit(error.status);
}
