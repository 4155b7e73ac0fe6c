import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const FIXTURE = fileURLToPath(new URL('./fixtures/busy-hand-over.mjs', import.meta.url));

test('a signal that comes while modules are loaded is told to whoever listens next', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = spawn(process.execPath, [FIXTURE], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      // It is busy now, and hears of the signal only when it has handed over.
      if (text.includes('busy')) child.kill(signal);
    });
    t.strictSame(await once(child, 'close'), [42, null], signal);
  }
});

// Plain JavaScript, which runs before anything is installed.
const { fileFault } = await import(new URL('../../setup/file-fault.mjs', import.meta.url).href);
const { missingFiles } = await import(new URL('../../setup/run-tests.mjs', import.meta.url).href);

test('files that cannot be written or read are a line with the remedy', async (t) => {
  const error = Object.assign(new Error("EROFS: read-only file system, mkdir '/x'"), { code: 'EROFS' });
  t.equal(fileFault(error), "EROFS: read-only file system, mkdir '/x'; mount it so that it can be written");
  for (const other of [new Error('a fault of ours'), undefined, 'text']) t.equal(fileFault(other), undefined);
});

test('test files that are not there are named; patterns and options are left to tap', async (t) => {
  const root = fileURLToPath(new URL('../../../..', import.meta.url));
  const here = 'infra/dev/test/setup/signals.test.ts';
  t.strictSame(missingFiles(root, [here, 'missing.test.ts', 'infra/dev/test/setup']), ['missing.test.ts']);
  t.strictSame(missingFiles(root, ['--bail', 'infra/*/test/*.test.ts', fileURLToPath(import.meta.url)]), []);
});
