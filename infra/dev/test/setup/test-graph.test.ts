import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { readTests } from '../../setup/test-graph.mjs';
import { folder } from '../support.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

const ENGINES = 'packages/stack/src/daemon.ts';
const TREE = {
  'packages/a/package.json':
    '{ "name": "@calltally/a", "exports": { ".": { "calltally": "./src/index.ts" } } }',
  'packages/a/src/index.ts': "export * from './sum.ts';",
  'packages/a/src/sum.ts': 'export const sum = 1;',
  'packages/a/src/types.ts': 'export type T = 1;',
  'packages/a/lua/x.lua': '',
  'packages/a/src/scripts.ts': `export const read = (n: string) => new URL(\`../lua/\${n}.lua\`, import.meta.url);`,
  [ENGINES]: 'export const daemon = 1;',
  'packages/stack/src/testing.ts': "import './daemon.ts';",
  'services/w/package.json': '{ "name": "@calltally/w", "exports": { "./index.html": "./dist/index.html" } }',
  'services/w/src/view.css': '',
  'packages/a/test/serving.test.ts': "import.meta.resolve('@calltally/w/index.html');",
  'packages/a/test/looking.test.ts': "new URL('../../../services/w/dist/index.html', import.meta.url);",
  'services/s/src/main.ts': "import '@calltally/a';",
  'docs/page.md': '',
  'packages/a/test/door.test.ts': "import '@calltally/a';",
  'packages/a/test/types.test.ts':
    "import type { T } from '../src/types.ts'; export type { T } from '../src/types.ts';",
  'packages/a/test/scripts.test.ts': "import { read } from '../src/scripts.ts';",
  'packages/a/test/engines.test.ts': "import '../../stack/src/testing.ts';",
  'packages/a/test/starter.ts': "import '../../stack/src/testing.ts';",
  'packages/a/test/started.test.ts': "fork(new URL('./starter.ts', import.meta.url));",
  'packages/a/test/service.test.ts': `fork(new URL(\`../../../services/\${name}/dist/main.js\`, import.meta.url));`,
  'packages/ledger/test/model/world.ts': 'export const world = 1;',
  'packages/a/test/model.test.ts': "import '../../ledger/test/model/world.ts';",
  'packages/a/test/process.test.ts': "import { spawn } from 'node:child_process';",
  'packages/a/test/named.test.ts': `read('docs/page.md'); read('${ENGINES}');`,
  'packages/a/test/endings.test.ts': "files.filter((file) => file.endsWith('.md'));",
};

async function graphOf(t: Parameters<typeof folder>[0], gone: string[] = []) {
  const root = await folder(t);
  for (const [path, text] of Object.entries(TREE)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const path of gone) await rm(join(root, path));
  const graph = await readTests(root, gone);
  const short = (path: string) => path.replace(/^packages\/a\/test\/(.*)\.test\.ts$/, '$1');
  return { graph, touched: (...changed: string[]) => graph.touchedBy(changed).tests.map(short) };
}

test('a test needs engines if it reaches their starter by imports or processes', async (t) => {
  const { graph } = await graphOf(t);
  const needing = graph.tests.filter(graph.needsEngines);
  t.same(needing, ['packages/a/test/engines.test.ts', 'packages/a/test/started.test.ts']);
  t.ok(graph.needsEngines('packages/*/test/*.test.ts'), 'an unknown test may need them');
});

test('a unit test starts no engine and no other process, and is not a model test', async (t) => {
  const { graph } = await graphOf(t);
  const others = graph.tests.filter((one: string) => !graph.unitTests().includes(one));
  t.same(
    others,
    ['engines', 'model', 'process', 'started'].map((name) => `packages/a/test/${name}.test.ts`),
  );
});

test('tests can share a process if they start none, except the shared engines', async (t) => {
  const { graph } = await graphOf(t);
  const alone = graph.tests.filter((one: string) => !graph.groupableTests().includes(one));
  t.same(
    alone,
    ['model', 'process'].map((name) => `packages/a/test/${name}.test.ts`),
  );
});

test('a change affects the tests that depend on the file', async (t) => {
  const { graph, touched } = await graphOf(t);
  t.same(
    touched('packages/a/src/sum.ts'),
    ['door', 'service'],
    'through imports, package exports and processes',
  );
  t.same(touched('packages/a/src/types.ts'), [], 'types do not exist when tests run');
  t.same(
    touched('services/w/src/view.css'),
    ['looking'],
    'a build by another tool than tsc depends on all its sources',
  );
  t.same(touched('packages/a/lua/x.lua'), ['scripts'], 'a part of the name may be a variable');
  t.same(
    touched('docs/page.md'),
    ['endings', 'named'],
    'by its path relative to the root, or by its extension',
  );
  t.same(touched(ENGINES), ['engines', 'named', 'started']);
  t.same(touched('packages/a/test/door.test.ts'), ['door']);
  t.same(touched('pnpm-lock.yaml').length, graph.tests.length, 'packages affect every test');
  t.same(graph.touchedBy(['NOTICE', 'docs/page.md']).unread, ['NOTICE']);
});

test('a deleted file affects the tests that still name it', async (t) => {
  const gone = ['packages/a/src/sum.ts', 'packages/a/test/door.test.ts'];
  const { touched } = await graphOf(t, gone);
  t.same(touched(...gone), ['service']);
});

test('in this repository, tests of domain need no engine and those of the store do', async (t) => {
  const { tests, needsEngines, unitTests } = await readTests(ROOT);
  const of = (path: RegExp): string[] => tests.filter((one: string) => path.test(one));
  for (const one of of(/^packages\/(domain|telemetry)\/|^packages\/settings\/test\/\w+-settings\./)) {
    // Certificates are made by the package that starts engines.
    t.equal(needsEngines(one), one.includes('tls-settings'), one);
  }
  t.ok(of(/^packages\/domain\//).every((one) => unitTests().includes(one)));
  for (const one of of(/^packages\/store\/test\/calls\.|^infra\/e2e\/test\/(faults|page)\//)) {
    t.ok(needsEngines(one), one);
  }
});
