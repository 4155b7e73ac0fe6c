// Prepares and runs `npm start`, `npm run cluster`, the `npm test` commands and `npm run bench`, even in a fresh clone. So it is plain
// JavaScript without dependencies.
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changedFiles, NoBase } from './setup/changed-files.mjs';
import { CommandFailed, run, stopCommands } from './setup/command.mjs';
import { fileFault } from './setup/file-fault.mjs';
import { groupTests } from './setup/group-tests.mjs';
import { buildTap, install } from './setup/install.mjs';
import { isSupported, supportedText } from './setup/node-versions.mjs';
import { buildPage } from './setup/page.mjs';
import { chooseTests, missingFiles, runTests } from './setup/run-tests.mjs';
import { listenToSignals } from './setup/signals.mjs';
import { step } from './setup/step.mjs';
import { readTests } from './setup/test-graph.mjs';

/** A larger group could take much longer than the longest single test. */
const GROUP_SIZE_MAX = 8;
const depcruise = ['packages', 'services', 'infra', '--config', '.dependency-cruiser.cjs'];
const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);
const [task, ...args] = process.argv.slice(2);

/** @param {NodeJS.Signals} signal */
function onSignal(signal) {
  // A Ctrl-C also reaches the running commands. A signal to this process alone does not.
  stopCommands('SIGTERM');
  process.exitCode = 128 + constants.signals[signal];
}

function requireNode() {
  if (isSupported(process.versions.node)) return;
  console.error(`calltally needs Node ${supportedText}; this is ${process.version}`);
  process.exit(1);
}

async function build() {
  await step('install', () => install(root));
  await step('build', () => run(bin('tsc'), ['-b'], { cwd: root }));
  await step('page', () => buildPage(root));
}

async function buildForTests() {
  await build();
  await step('tap', () => buildTap(root));
}

/** @param {string[]} more flags of further tools to obtain, such as `--chromium` */
async function obtainEngines(...more) {
  // Shows the output immediately, because the first time takes a while.
  const onOutput = (/** @type {string} */ text) => process.stderr.write(text);
  const name = ['engines', ...more.map((flag) => flag.replace('--', ''))].join(' and ');
  await step(`obtain ${name}`, () =>
    run(process.execPath, ['packages/stack/bin/obtain.js', ...more], { cwd: root, onOutput }),
  );
}

async function prepare() {
  await build();
  await obtainEngines();
}

async function start() {
  await prepare();
  const { start } = await import('./dist/start.js');
  if (process.exitCode) return process.exitCode;
  return handOver(() => start(root, args));
}

async function cluster() {
  await build();
  await obtainEngines('--cluster');
  const { startCluster } = await import('./dist/cluster.js');
  if (process.exitCode) return process.exitCode;
  return handOver(() => startCluster(root, args));
}

/** Runs all checks to the end, so that one run reports every error. */
async function check() {
  const cache = ['--incremental', '--tsBuildInfoFile', 'node_modules/.cache/calltally/typecheck.tsbuildinfo'];
  const checks = [
    step('type check', () => run(bin('tsc'), ['-p', 'tsconfig.test.json', ...cache], { cwd: root })),
    step('type check of the page', () => run(bin('tsc'), ['-p', 'services/web'], { cwd: root })),
    step('lint', () => run(bin('biome'), ['check'], { cwd: root })),
    step('import check', () => run(bin('depcruise'), depcruise, { cwd: root })),
  ];
  for (const one of await Promise.allSettled(checks)) if (one.status === 'rejected') throw one.reason;
}

async function test() {
  const missing = missingFiles(root, args);
  if (missing.length > 0) {
    console.error(`npm test: file not found: ${missing.join(', ')}; give paths relative to ${root}`);
    return 1;
  }
  await buildForTests();
  if (args.length > 0) {
    const graph = await readTests(root);
    const { chosen, empty } = chooseTests(root, args, graph.tests);
    if (empty.length === 0) return runChosen(chosen, graph);
    console.error(`npm test: no tests below ${empty.join(', ')}; give test files, or folders with some`);
    return 1;
  }
  await check();
  // A single test obtains the browser itself if it needs one. In a full run, no test should have to wait for that.
  await obtainEngines('--chromium', '--actionlint', '--helm');
  const { tests, groupableTests } = await readTests(root);
  const grouped = groupableTests();
  const groups = groupTests(root, grouped, { folderOf: dirname, sizeMax: GROUP_SIZE_MAX });
  // The longest tests come first, so that no processor is idle at the end.
  const alone = tests.filter((test) => !grouped.includes(test));
  return runTests(root, [...alone, ...groups]);
}

/** Plays the trials of a cluster, or those whose name has one of the given words. */
async function testCluster() {
  await buildForTests();
  await obtainEngines('--cluster');
  process.env.CLUSTER_TRIALS = args.join(',');
  const status = await runTests(root, ['--timeout=7200', 'infra/e2e/cluster/trials.test.ts'], {
    engines: false,
  });
  const table = join(root, '.calltally', 'cluster.md');
  if (existsSync(table)) console.log(`\n${readFileSync(table, 'utf8')}`);
  return status;
}

/** Plays upgrades from the versions before, and back, on one set of engines. */
async function testUpgrade() {
  await buildForTests();
  await obtainEngines();
  const status = await runTests(root, ['--timeout=3600', 'infra/e2e/upgrade/side-by-side.test.ts'], {
    engines: true,
  });
  const table = join(root, '.calltally', 'upgrade.md');
  if (existsSync(table)) console.log(`\n${readFileSync(table, 'utf8')}`);
  return status;
}

async function testUnit() {
  await buildForTests();
  const { unitTests } = await readTests(root);
  return runTests(root, groupTests(root, unitTests()), { engines: false });
}

async function testChanged() {
  const { changed, gone } = changedFiles(root, args[0]);
  await buildForTests();
  const graph = await readTests(root, gone);
  const { tests, unread } = graph.touchedBy(changed);
  if (unread.length > 0) console.log(`no test depends on ${unread.join(', ')}`);
  console.log(
    `${changed.length} files changed; ${tests.length} of ${graph.tests.length} test files depend on them`,
  );
  return tests.length === 0 ? 0 : runChosen(tests, graph);
}

/**
 * Runs these tests. Starts the shared engines only if one of the tests needs an engine.
 *
 * @param {string[]} chosen @param {Awaited<ReturnType<typeof readTests>>} graph
 */
async function runChosen(chosen, { needsEngines }) {
  const engines = chosen.some((one) => needsEngines(relative(root, resolve(root, one))));
  if (engines) await obtainEngines();
  return runTests(root, chosen, { engines });
}

const handOver = listenToSignals(onSignal);
requireNode();
const tasks = {
  start,
  cluster,
  test,
  'test:cluster': testCluster,
  'test:upgrade': testUpgrade,
  'test:unit': testUnit,
  'test:changed': testChanged,
  prepare,
};
const chosen = tasks[/** @type {keyof typeof tasks} */ (task)];
if (chosen === undefined) {
  console.error(`usage: node infra/dev/setup.mjs ${Object.keys(tasks).join('|')} [ARGUMENT…]`);
  process.exit(2);
}
try {
  process.exit((await chosen()) || process.exitCode || 0);
} catch (error) {
  const fault = fileFault(error);
  if (fault !== undefined || error instanceof NoBase) console.error(`npm ${task}: ${fault ?? error.message}`);
  else if (!(error instanceof CommandFailed)) throw error;
  process.exit(process.exitCode || 1);
}
