import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { type StackDescription, StackFile } from '../src/stack-file.ts';
import { eventually, folder } from './support.ts';

const described: StackDescription = {
  api: 'http://127.0.0.1:3000',
  ingest: 'http://127.0.0.1:3001',
  intake: 'http://127.0.0.1:3002',
  kafka: '127.0.0.1:20001',
  topic: 'calls.completed',
  redis: 'redis://127.0.0.1:20002',
  mongo: 'mongodb://127.0.0.1:20003/calltally',
  pids: { api: 1, ingest: 2, intake: 5, kafka: 3, redis: 4, mongo: null },
  demo: { user_id: 'demo', api_key: 'ct_x', write_key: 'ct_y' },
  hook_keys_file: '/home/me/calltally/.calltally/hook-keys',
  supervisor: process.pid,
};

test('stack.json is private, shows every change in full, and is deleted at the end', async (t) => {
  const path = await folder(t);
  const name = join(path, 'stack.json');
  let now = described;
  const file = new StackFile(name, () => now);
  await file.start();
  t.strictSame(JSON.parse(await readFile(name, 'utf8')), described);
  t.equal((await stat(name)).mode & 0o777, 0o600);
  for (const api of [null, 17, 18]) {
    now = { ...described, pids: { ...described.pids, api } };
    await eventually(async () => {
      // Throws if the file is incomplete.
      const read = JSON.parse(await readFile(name, 'utf8')) as StackDescription;
      return read.pids.api === api ? true : undefined;
    });
  }
  t.strictSame(await readdir(path), ['stack.json'], 'no other file is left');
  await file.stop();
  t.strictSame(await readdir(path), []);
});
