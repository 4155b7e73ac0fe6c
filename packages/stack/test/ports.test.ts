import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { drawPort, onFreePorts } from '../src/ports.ts';

async function take(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('a folder keeps its ports while they are free, and gets others when they are in use', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const dataDir = folder.path('engine');
  await mkdir(dataDir);
  const choose = () => onFreePorts(dataDir, ['one', 'two'], async (ports) => ports);
  const first = await choose();
  t.not(first.one, first.two);
  t.ok(first.one >= 20_000 && first.one < 32_000, 'outside the range for outgoing connections');
  t.same(await choose(), first);

  const server = await take(first.one);
  const second = await choose();
  server.close();
  t.not(second.one, first.one);
  t.equal(second.two, first.two);
});

test('nobody draws what another process has drawn and does not use yet', async (t) => {
  const drawing = Array.from({ length: 6 }, async () => {
    // Without what test processes load, which sends messages of its own.
    const execArgv = ['--import=tsx', '--conditions=calltally'];
    const child = fork(new URL('fixtures/draw-ports.ts', import.meta.url), { execArgv, stdio: 'ignore' });
    t.teardown(() => child.kill('SIGKILL'));
    const [ports] = (await once(child, 'message')) as [number[]];
    return ports;
  });
  const own = await Promise.all(Array.from({ length: 150 }, drawPort));
  const all = [...own, ...(await Promise.all(drawing)).flat()];
  t.equal(all.length, 150 + 6 * 100);
  t.equal(new Set(all).size, all.length);
});

test('if another process takes the port before the start, another port is tried', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const tried: number[] = [];
  const port = await onFreePorts(folder.path('.'), ['one'], async ({ one }) => {
    tried.push(one);
    if (tried.length > 1) return one;
    const server = await take(one);
    t.teardown(() => server.close());
    throw new Error('address in use');
  });
  t.equal(tried.length, 2);
  t.equal(port, tried[1]);
});

test('a start that fails on free ports is not retried', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  let tries = 0;
  const attempt = onFreePorts(folder.path('.'), ['one'], async () => {
    tries++;
    throw new Error('broken');
  });
  await t.rejects(attempt, { message: 'broken' });
  t.equal(tries, 1);
});
