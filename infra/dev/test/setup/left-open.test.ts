import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const LEFT_OPEN = fileURLToPath(new URL('../../setup/left-open.mjs', import.meta.url));
const TAP = JSON.stringify(import.meta.resolve('tap'));

test('tests that leave something open end by themselves, with their own result', async (t) => {
  const folder = t.testdir(
    Object.fromEntries(
      ['pass', 'fail'].map((assertion) => [
        `${assertion}.mjs`,
        `import { createServer } from 'node:net';
         import { test } from ${TAP};
         test('a server', async (t) => {
           await new Promise((resolve) => createServer().listen(0, '127.0.0.1', resolve));
           t.${assertion}();
         });`,
      ]),
    ),
  );
  const run = async (file: string) => {
    const child = spawn(process.execPath, [`--import=${LEFT_OPEN}`, `${folder}/${file}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [errors, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return { status, errors };
  };
  const [passing, failing] = await Promise.all([run('pass.mjs'), run('fail.mjs')]);
  t.match(passing.errors, /left open: \[[^\]]*'TCPServerWrap'/);
  t.match([passing.status, failing.status], [0, 1]);
});
