import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { chooseTests, missingFiles } from '../../setup/run-tests.mjs';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const HERE = 'infra/dev/test/setup/run-tests.test.ts';

test('missing test files are listed, patterns and options are left to tap', async (t) => {
  t.strictSame(missingFiles(root, [HERE, 'missing.test.ts', 'infra/dev/test/setup']), ['missing.test.ts']);
  t.strictSame(missingFiles(root, ['--bail', 'infra/*/test/*.test.ts', fileURLToPath(import.meta.url)]), []);
});

test('a folder stands for the tests below it, and one without tests is told', async (t) => {
  const tests = ['infra/dev/test/lock.test.ts', HERE, 'infra/development/test/x.test.ts'];
  const chosen = (...args: string[]) => chooseTests(root, args, tests);
  t.same(chosen('infra/dev'), { chosen: tests.slice(0, 2), empty: [] });
  t.same(chosen('infra/dev/test/setup/', HERE), { chosen: [HERE], empty: [] }, 'each test once');
  t.same(chosen(fileURLToPath(new URL('.', import.meta.url))), { chosen: [HERE], empty: [] });
  t.same(chosen('.'), { chosen: tests, empty: [] });
  t.same(chosen('docs', HERE, './infra/kafka'), { chosen: [HERE], empty: ['docs', './infra/kafka'] });
  t.same(chosen('--bail', 'infra/*/test/*.test.ts', HERE).chosen, ['--bail', 'infra/*/test/*.test.ts', HERE]);
});
