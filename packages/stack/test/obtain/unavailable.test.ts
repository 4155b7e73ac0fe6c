import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { test } from 'tap';
import { uniqueFolder } from '../../src/folder.ts';
import { obtainChdb, StackError, startKafka, startMongo, startRedis } from '../../src/index.ts';
import { obtainChromium, type Test } from '../../src/testing.ts';

const engines = { kafka: startKafka, redis: startRedis, mongo: startMongo };
const variables = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', mongo: 'MONGODB_URI' };

/** Nothing on PATH, and nothing in the cache, until `t` ends. */
async function bareMachine(t: Test) {
  const { PATH, XDG_CACHE_HOME } = process.env;
  const folder = await uniqueFolder();
  process.env.PATH = folder.path('empty');
  process.env.XDG_CACHE_HOME = folder.path('cache');
  t.teardown(async () => {
    process.env.PATH = PATH;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = XDG_CACHE_HOME;
    await folder.remove();
  });
  return folder;
}

test('an engine that cannot be had is one line that names it and what mends it', async (t) => {
  const folder = await bareMachine(t);
  for (const name of ['kafka', 'redis', 'mongo'] as const) {
    const error: unknown = await engines[name]({ dataDir: folder.path(name) }).catch((reason) => reason);
    if (!(error instanceof StackError)) return t.fail(`${name}: ${error}`);
    t.match(error, { code: 'STACK_UNAVAILABLE', engine: name });
    t.match(
      error.message,
      new RegExp(`^${name}: [^\n]* on PATH; install [^\n]*, or set ${variables[name]}$`),
    );
  }
});

test('so is the package that the bench compares with, without Python and without an index that has it', async (t) => {
  const folder = await bareMachine(t);
  const failure = () =>
    obtainChdb().then(
      () => t.fail('it was had'),
      (reason: StackError) => reason.message,
    );
  t.match(await failure(), /^chdb: python3 is not on PATH; install Python [^\n]*$/);
  await mkdir(folder.path('empty'));
  await writeFile(folder.path('empty/python3'), '#!/bin/sh\necho "no matching distribution" >&2; exit 1\n', {
    mode: 0o755,
  });
  t.match(await failure(), /^chdb: [^\n]*no matching distribution; install Python [^\n]*$/);
  t.strictSame(await readdir(folder.path('cache/calltally')), [], 'and the next run tries again');
});

test('so is the browser of the tests, absent, too old, or only a stand-in', async (t) => {
  const folder = await bareMachine(t);
  const failure = () =>
    obtainChromium().then(
      () => t.fail('it was had'),
      (reason: StackError) => reason.message,
    );
  t.match(await failure(), /^chromium: none of chromium, [^\n]* is on PATH; install Chromium [^\n]*$/);
  await mkdir(folder.path('empty'));
  const command = (script: string) =>
    writeFile(folder.path('empty/chromium'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await command('echo "Chromium 99.0.1.2 built on Debian"');
  t.match(await failure(), /^chromium: [^\n]* is too old: Chromium 99[^\n]*; install Chromium [^\n]*$/);
  await command('echo "needs a snap" >&2; exit 1');
  t.match(await failure(), /^chromium: [^\n]*needs a snap; install Chromium [^\n]*$/);
});
