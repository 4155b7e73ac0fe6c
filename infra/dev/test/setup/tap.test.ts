import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { builtTap } from '../../setup/install.mjs';

test('the files that tap has built belong to this checkout only', (t) => {
  const folder = join(builtTap(fileURLToPath(new URL('../../../../', import.meta.url))), 'dist', 'esm');
  const files = readdirSync(folder).map((name) => join(folder, name));
  t.ok(files.some((file) => file.endsWith('index.js')));
  for (const file of files) t.equal(statSync(file).nlink, 1, file.slice(folder.length));
  t.end();
});
