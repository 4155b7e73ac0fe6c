import { cp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { buildPage } from '../../setup/page.mjs';
import { folder } from '../support.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const COPIED = ['index.html', 'package.json', 'src', 'vite.config.ts', 'tsconfig.json'];

test('the page is built only if the build is missing or its sources changed', async (t) => {
  const root = await folder(t);
  const web = join(root, 'services', 'web');
  for (const name of COPIED) await cp(join(ROOT, 'services/web', name), join(web, name), { recursive: true });
  for (const path of ['pnpm-lock.yaml', 'tsconfig.base.json', 'packages/client/src', 'packages/domain/src']) {
    await cp(join(ROOT, path), join(root, path), { recursive: true });
  }
  await symlink(join(ROOT, 'services/web/node_modules'), join(web, 'node_modules'));
  const index = () => readFile(join(web, 'dist/index.html'), 'utf8');

  t.equal(await buildPage(root), true);
  const first = await index();
  t.match(first, /assets\/index-[\w-]+\.js/);
  t.equal(await buildPage(root), false, 'nothing changed');

  await writeFile(join(web, 'src/app.tsx'), "document.title = 'other';\n");
  t.equal(await buildPage(root), true, 'a source changed');
  t.not(await index(), first);

  await rm(join(web, 'dist'), { recursive: true });
  t.equal(await buildPage(root), true, 'the build is missing');
});
