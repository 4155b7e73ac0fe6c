import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { uniqueFolder } from '../../src/folder.ts';
import { obtained } from '../../src/obtain/cache.ts';

test('several concurrent callers fill the folder only once', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  let fills = 0;
  const obtain = () =>
    obtained(folder.path('cache'), 'thing', async (draft) => {
      fills++;
      await writeFile(join(draft, 'file'), 'whole');
    });
  const paths = await Promise.all([obtain(), obtain(), obtain()]);
  t.equal(fills, 1);
  t.equal(new Set(paths).size, 1);
  t.equal(await readFile(join(paths[0]!, 'file'), 'utf8'), 'whole');
  t.same(await readdir(folder.path('cache')), ['thing']);
});

test('a failed fill leaves nothing, and the next one succeeds', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const failing = obtained(folder.path('cache'), 'thing', async (draft) => {
    await writeFile(join(draft, 'file'), 'half');
    throw new Error('cut');
  });
  await t.rejects(failing, { message: 'cut' });
  t.same(await readdir(folder.path('cache')), []);
  await t.resolves(obtained(folder.path('cache'), 'thing', async () => {}));
});

test('a killed fill leaves no incomplete folder and does not block the next one', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const cache = folder.path('cache');
  const fixture = fileURLToPath(new URL('../fixtures/obtain-and-hang.ts', import.meta.url));
  const child = fork(fixture, [cache], { execArgv: ['--import=tsx', '--conditions=calltally'] });
  t.same(await once(child, 'message'), ['filling', undefined]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.notOk((await readdir(cache)).includes('thing'));
  const path = await obtained(cache, 'thing', (draft) => writeFile(join(draft, 'file'), 'whole'));
  t.same(await readdir(path), ['file']);
});
