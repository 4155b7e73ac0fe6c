import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { groupTests } from '../../setup/group-tests.mjs';
import { folder } from '../support.ts';

test('tests of a package share a file, and files of an earlier run are deleted', async (t) => {
  const root = await folder(t);
  t.same(groupTests(root, ['packages/a/test/old.test.ts']), ['.calltally/groups/packages-a.test.ts']);
  const files = groupTests(root, ['packages/b/test/x/one.test.ts', 'packages/b/test/two.test.ts']);
  t.same(files, ['.calltally/groups/packages-b.test.ts']);
  t.equal(
    await readFile(join(root, files[0]!), 'utf8'),
    'import "../../packages/b/test/x/one.test.ts";\nimport "../../packages/b/test/two.test.ts";\n',
  );
  await t.rejects(readFile(join(root, '.calltally/groups/packages-a.test.ts')), { code: 'ENOENT' });
});

test('a group has only tests of one folder, and at most sizeMax', async (t) => {
  const root = await folder(t);
  const tests = ['a/b/test/1.test.ts', 'a/b/test/2.test.ts', 'a/b/test/3.test.ts', 'a/b/test/c/4.test.ts'];
  const files = groupTests(root, tests, { folderOf: dirname, sizeMax: 2 });
  t.same(files, [
    '.calltally/groups/a-b-test.test.ts',
    '.calltally/groups/a-b-test-2.test.ts',
    '.calltally/groups/a-b-test-c.test.ts',
  ]);
  t.match(await readFile(join(root, files[1]!), 'utf8'), /^import "[^"]*3\.test\.ts";\n$/);
});
