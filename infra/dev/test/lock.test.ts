import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { takeLock } from '../src/lock.ts';
import { folder } from './support.ts';

test('one process at a time holds the lock, and the next can acquire it after release', async (t) => {
  const path = await folder(t);
  const file = join(path, 'start.lock');
  const release = await takeLock(file);
  await t.rejects(takeLock(file), { code: 'DEV_ALREADY_RUNNING', message: `process ${process.pid}` });
  await release();
  await (await takeLock(file))();
  t.strictSame(await readdir(path), []);
});

test('one of many concurrent attempts acquires the lock', async (t) => {
  const file = join(await folder(t), 'start.lock');
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(file)));
  t.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('a lock whose holder is gone is taken over', async (t) => {
  const file = join(await folder(t), 'start.lock');
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  // The second one names a running process with another start time than the holder's.
  for (const text of [`${gone.pid} 1`, `${process.pid} 1`, '', 'nonsense']) {
    await writeFile(file, text);
    await (await takeLock(file))();
    t.pass(JSON.stringify(text));
  }
});
