import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { folder } from '../support.ts';

// Plain JavaScript, which runs before anything is built.
const { groupTests } = await import(new URL('../../setup/group-tests.mjs', import.meta.url).href);

test('tests of a package share a file, and what was there before is gone', async (t) => {
  const root = await folder(t);
  t.same(groupTests(root, ['packages/a/test/old.test.ts']), ['.calltally/unit/packages-a.test.ts']);
  const files = groupTests(root, ['packages/b/test/x/one.test.ts', 'packages/b/test/two.test.ts']);
  t.same(files, ['.calltally/unit/packages-b.test.ts']);
  t.equal(
    await readFile(join(root, files[0]), 'utf8'),
    'import "../../packages/b/test/x/one.test.ts";\nimport "../../packages/b/test/two.test.ts";\n',
  );
  await t.rejects(readFile(join(root, '.calltally/unit/packages-a.test.ts')), { code: 'ENOENT' });
});
