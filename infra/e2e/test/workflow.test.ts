import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse } from 'yaml';

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly strategy: { readonly matrix: Readonly<Record<string, string[]>> };
  readonly steps: Step[];
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const workflow = (name: string) => parse(read(`.github/workflows/${name}`));
const { test: tests, images } = workflow('test.yml').jobs as { test: Job; images: Job };

test('the workflow runs every step of .ci/run', (t) => {
  const lines = [...tests.steps, ...images.steps].flatMap(({ run = '' }) =>
    run.split('\n').map((line) => line.trim()),
  );
  const commands = [...read('.ci/run').matchAll(/^(?:exec )?(npm .*?)(?: <.*)?$/gm)].map(([, one]) => one!);
  t.ok(commands.length >= 3, commands.join(', '));
  for (const command of commands) t.ok(lines.includes(command), command);
  t.end();
});

test('it runs the tests on each Node version that the README names', (t) => {
  const named = /^\| Node ([^|]+?),? each or newer \|/m.exec(read('README.md'))?.[1] ?? '';
  t.same(tests.strategy.matrix.node, named.match(/\d+(\.\d+)?/g));
  t.end();
});

test('it builds every image', (t) => {
  const targets = [...read('infra/docker/Dockerfile').matchAll(/^FROM run AS (\w+)$/gm)].map(
    ([, one]) => one,
  );
  t.same(images.strategy.matrix.service, targets);
  t.end();
});

test('each workflow may only read the repository, and pins each action to a major version', (t) => {
  for (const name of readdirSync(new URL('.github/workflows', root))) {
    const { permissions, jobs } = workflow(name);
    t.same(permissions, { contents: 'read' }, name);
    for (const { uses } of Object.values<Job>(jobs).flatMap(({ steps }) => steps)) {
      if (uses !== undefined) t.match(uses, /^[\w-]+\/[\w-]+@v\d+$/);
    }
  }
  t.end();
});

test('each folder with dependency updates has dependencies', (t) => {
  const { updates } = parse(read('.github/dependabot.yml')) as {
    updates: { 'package-ecosystem': string; directory: string }[];
  };
  const files: Record<string, string> = {
    npm: 'package.json',
    docker: 'Dockerfile',
    'docker-compose': 'docker-compose.yml',
    'github-actions': '.github/workflows',
  };
  for (const { 'package-ecosystem': ecosystem, directory } of updates) {
    const path = `.${directory}/${files[ecosystem]}`;
    t.ok(existsSync(new URL(path, root)), `${ecosystem}: ${path}`);
  }
  t.end();
});

test('each issue form has a description and at least one question', (t) => {
  const names = readdirSync(new URL('.github/ISSUE_TEMPLATE', root)).filter((name) => name !== 'config.yml');
  t.ok(names.length > 1);
  for (const name of names) {
    const form = parse(read(`.github/ISSUE_TEMPLATE/${name}`));
    t.ok(form.name && form.description, name);
    const asked = form.body.filter(({ type }: { type: string }) => type !== 'markdown');
    for (const { id, attributes } of asked) t.ok(id && attributes.label, `${name}: ${id}`);
    const ids = asked.map(({ id }: { id: string }) => id);
    t.equal(new Set(ids).size, ids.length, `${name}: no id twice`);
  }
  t.end();
});
