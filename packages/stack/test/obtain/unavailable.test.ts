import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { test } from 'tap';
import { uniqueFolder } from '../../src/folder.ts';
import {
  obtainChdb,
  obtainEngines,
  StackError,
  startKafka,
  startMongo,
  startRedis,
} from '../../src/index.ts';
import { obtained } from '../../src/obtain/cache.ts';
import { JAVA, MAVEN, obtainTools, REDIS } from '../../src/obtain/tools.ts';
import { obtainActionlint, obtainChromium, type Test } from '../../src/testing.ts';

const engines = { kafka: startKafka, redis: startRedis, mongo: startMongo };
const variables = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL', mongo: 'MONGODB_URI' };

/** Empties PATH and the cache until `t` ends. */
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

test('the error of an unavailable engine is one line with its name and the remedy', async (t) => {
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

test('one error lists all missing tools, with one command that installs them', async (t) => {
  await bareMachine(t);
  const { KAFKA_BROKERS, REDIS_URL, MONGODB_URI } = process.env;
  t.teardown(() =>
    Object.assign(process.env, {
      ...(KAFKA_BROKERS && { KAFKA_BROKERS }),
      ...(REDIS_URL && { REDIS_URL }),
      ...(MONGODB_URI && { MONGODB_URI }),
    }),
  );
  for (const name of Object.values(variables)) delete process.env[name];
  const failure = () =>
    obtainEngines().then(
      () => t.fail('obtainEngines succeeded'),
      (reason: StackError) => reason.message,
    );
  const message = await failure();
  t.notMatch(message, '\n');
  for (const missing of ['java is', 'mvn is', 'redis-server, valkey-server is', 'go is', 'apt-get is'])
    t.match(message, `${missing} `);
  t.match(
    message,
    /\(Debian: apt-get install default-jre-headless maven redis-server [^()]*golang-go ca-certificates\)/,
  );
  t.match(message, 'or set KAFKA_BROKERS, REDIS_URL, MONGODB_URI');

  process.env.REDIS_URL = 'redis://127.0.0.1:1';
  t.notMatch(await failure(), /redis/i, 'an external engine needs nothing');
});

test('root installs all missing tools in one step; others get an error that lists them', async (t) => {
  const folder = await bareMachine(t);
  await mkdir(folder.path('empty'));
  const script = (name: string, lines: string) =>
    writeFile(folder.path(`empty/${name}`), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  const bring = ['java "version \\"21.0.1\\""', 'mvn ""', 'redis-server "Redis server v=7.2.4 sha"'].map(
    (tool) => {
      const [, name, says] = /^(\S+) (.*)$/.exec(tool)!;
      return `printf '#!/bin/sh\\necho %s\\n' '${says}' > "$here/${name}"; PATH=/bin:/usr/bin chmod +x "$here/${name}"`;
    },
  );
  await script(
    'apt-get',
    [`here='${folder.path('empty')}'`, 'echo "$@" >> "$here/asked"', ...bring].join('\n'),
  );
  const said: string[] = [];
  const had = obtainTools([JAVA, MAVEN, REDIS], (line) => said.push(line));
  if (process.getuid?.() !== 0) {
    await t.rejects(had, { code: 'STACK_UNAVAILABLE', engine: 'kafka, redis' });
    return;
  }
  t.strictSame(
    await had,
    ['java', 'mvn', 'redis-server'].map((name) => folder.path(`empty/${name}`)),
  );
  t.strictSame(said, [
    'kafka: installing default-jre-headless from Debian',
    'kafka: installing maven from Debian',
    'redis: installing redis-server from Debian',
  ]);
  const asked = await readFile(folder.path('empty/asked'), 'utf8');
  t.match(asked, /^install -y .* default-jre-headless maven redis-server\n$/, 'in one call');

  await rm(folder.path('empty/apt-get'));
  await script('java', 'echo "openjdk version \\"11.0.2\\" 2019-01-15"');
  await t.rejects(
    obtainTools([JAVA], () => {}),
    {
      message:
        /^kafka: [^\n]*java is too old: openjdk version "11[^\n]*; install Java 17 or newer \(Debian: /,
    },
  );
});

test('the error of a cache that cannot be written is one line with the remedy', async (t) => {
  const folder = await bareMachine(t);
  await writeFile(folder.path('cache'), 'a file where the folder should be');
  const error: unknown = await obtained(folder.path('cache/calltally'), 'any', async () => {}).catch(
    (reason) => reason,
  );
  if (!(error instanceof StackError)) return t.fail(`${error}`);
  t.match(error.message, /^cache: [^\n]*ENOTDIR[^\n]*; make room [^\n]* XDG_CACHE_HOME [^\n]*$/);
});

test('a browser that is missing, too old or only a placeholder is one line with the remedy', async (t) => {
  const folder = await bareMachine(t);
  const failure = () =>
    obtainChromium().then(
      () => t.fail('obtainChromium succeeded'),
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

test('without pip, ClickHouse cannot be had: one line with the remedy, and nothing is cached', async (t) => {
  const folder = await bareMachine(t);
  await mkdir(folder.path('empty'));
  await writeFile(folder.path('empty/python3'), '#!/bin/sh\necho "No module named pip" >&2; exit 1\n', {
    mode: 0o755,
  });
  for (let i = 0; i < 2; i++) {
    const error: unknown = await obtainChdb().catch((reason) => reason);
    if (!(error instanceof StackError)) return t.fail(`${error}`);
    t.match(
      error.message,
      /^clickhouse: [^\n]*No module named pip; install Python 3\.9 [^\n]*python3-pip\)$/,
    );
  }
});

test('without actionlint, a Go that is missing or fails to build it is one line with the remedy', async (t) => {
  const folder = await bareMachine(t);
  const failure = () =>
    obtainActionlint().then(
      () => t.fail('obtainActionlint succeeded'),
      (reason: StackError) => reason.message,
    );
  t.match(await failure(), /^actionlint: go is not on PATH; install actionlint or Go \(Debian: [^\n]*\)$/);
  await mkdir(folder.path('empty'));
  const command = (name: string, script: string) =>
    writeFile(folder.path(`empty/${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await command(
    'go',
    'case $1 in version) echo go version go1.30.1 linux/amd64;; *) echo no proxy >&2; exit 1;; esac',
  );
  t.match(await failure(), /^actionlint: [^\n]*no proxy; install actionlint, or Go [^\n]*$/);
  await command('actionlint', '');
  t.equal(await obtainActionlint(), folder.path('empty/actionlint'), 'the one on PATH is used');
});
