import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const { version, packageManager } = JSON.parse(read('package.json'));
const changelog = read('docs/changelog.md');

test('every package, and the API in its document, has the version of the root', (t) => {
  for (const folder of ['packages', 'services', 'infra']) {
    for (const { name } of readdirSync(new URL(folder, root), { withFileTypes: true })) {
      const path = `${folder}/${name}/package.json`;
      try {
        t.equal(JSON.parse(read(path)).version, version, path);
      } catch (error) {
        // Not a package.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
  }
  t.match(read('packages/http/src/documentation.ts'), `version: '${version}'`);
  t.end();
});

test('the changelog has a section for each version, newest first, with the usual subsections', (t) => {
  const [first, ...released] = [...changelog.matchAll(/^## (.+)$/gm)].map(([, title]) => title!);
  t.equal(first, '[Unreleased]');
  for (const title of released) t.match(title, /^\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d$/);
  const dates = released.map((title) => title.slice(-10));
  t.same(dates, [...dates].sort().reverse());
  for (const [, title] of changelog.matchAll(/^### (.+)$/gm)) {
    t.match(title, /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/);
  }
  t.end();
});

test('the documents tell newcomers to install the package manager that the root names', (t) => {
  t.match(read('.github/CONTRIBUTING.md'), `npx ${packageManager} `);
  t.end();
});
