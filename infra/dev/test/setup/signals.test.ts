import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { fileFault } from '../../setup/file-fault.mjs';

const FIXTURE = fileURLToPath(new URL('./fixtures/busy-hand-over.mjs', import.meta.url));

test('a signal that arrives while modules are loaded reaches the next listener', async (t) => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const child = spawn(process.execPath, [FIXTURE], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      // It is busy now and receives the signal only after it has handed over.
      if (text.includes('busy')) child.kill(signal);
    });
    t.strictSame(await once(child, 'close'), [42, null], signal);
  }
});

test('a file system error becomes one line with the remedy', async (t) => {
  const error = Object.assign(new Error("EROFS: read-only file system, mkdir '/x'"), { code: 'EROFS' });
  t.equal(fileFault(error), "EROFS: read-only file system, mkdir '/x'; mount it so that it can be written");
  for (const other of [new Error('another error'), undefined, 'text']) t.equal(fileFault(other), undefined);
});
