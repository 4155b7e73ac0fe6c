import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the process ends with the status of its command and never shows a stack trace', async (t) => {
  const run = (args: string[]) =>
    new Promise<{ status: number; out: string; err: string }>((resolve) => {
      const node = ['--import=tsx', '--conditions=calltally', main, ...args];
      const child = execFile(process.execPath, node, (_, out, err) =>
        resolve({ status: child.exitCode ?? -1, out, err }),
      );
    });
  t.match(await run(['--version']), { status: 0, err: '' });
  const usage = await run(['keys', 'create', '--json']);
  t.equal(usage.status, 2);
  t.equal(JSON.parse(usage.err).error.code, 'USAGE');
  t.notMatch(usage.err, /\bat /);
});
