import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startRedis } from '../src/index.ts';
import { probe } from '../src/probe.ts';
import { isAlive } from '../src/processes.ts';
import { testRedis } from '../src/testing.ts';

/** Sends one inline command and returns the reply. */
async function ask(address: string, command: string): Promise<string> {
  let said = '';
  await probe(Number(new URL(address).port), Buffer.from(`${command}\r\n`), (reply) => {
    said = reply.toString().trim();
    return reply.includes('\r\n') ? true : undefined;
  });
  return said;
}

test('Redis never evicts, and keeps its data and its port after kill -9', async (t) => {
  const redis = await testRedis(t);
  const { address, pid } = redis;
  t.match(await ask(address, 'config get maxmemory-policy'), '*2');
  t.equal(await ask(address, 'set calls 7'), '+OK');
  process.kill(pid!, 'SIGKILL');
  await redis.stop();
  t.notOk(await isAlive(pid!));
  t.equal(redis.pid, undefined);
  await redis.start();
  t.equal(redis.address, address);
  t.not(redis.pid, pid);
  t.equal(await ask(address, 'strlen calls'), ':1');
});

test('arguments of the caller override the default settings', async (t) => {
  const redis = await testRedis(t, ['--appendonly', 'no']);
  await ask(redis.address, 'set calls 7');
  await redis.stop('SIGKILL');
  await redis.start();
  t.equal(await ask(redis.address, 'exists calls'), ':0');
});

test('start works right after a kill that was not noticed yet', async (t) => {
  const redis = await testRedis(t);
  process.kill(redis.pid!, 'SIGKILL');
  await redis.start();
  t.equal(await ask(redis.address, 'ping'), '+PONG');
  t.ok(await isAlive(redis.pid!));
});

test('stopping twice and starting twice are harmless', async (t) => {
  const redis = await testRedis(t);
  await Promise.all([redis.stop(), redis.stop('SIGKILL')]);
  t.equal(redis.pid, undefined);
  await Promise.all([redis.start(), redis.start()]);
  t.equal(await ask(redis.address, 'ping'), '+PONG');
});

test('with restart, and only then, an engine that dies comes back on its port', async (t) => {
  const folder = await uniqueFolder();
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const redis = await startRedis({ dataDir: folder.path('supervised'), restart: true, log });
  t.teardown(async () => {
    await redis.stop('SIGKILL');
    await folder.remove();
  });
  const alone = await testRedis(t);
  const { pid } = redis;
  process.kill(alone.pid!, 'SIGKILL');
  process.kill(pid!, 'SIGKILL');
  for (let polls = 0; polls < 200 && (redis.pid === undefined || redis.pid === pid); polls++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  t.not(redis.pid, pid);
  await redis.start();
  t.equal(await ask(redis.address, 'ping'), '+PONG');
  t.match(lines, [/^redis: it ended by SIGKILL/]);
  t.equal(alone.pid, undefined);
});

test('the error of a wrong setting is one line that quotes the engine', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  await t.rejects(startRedis({ dataDir: folder.path('redis'), args: ['--no-such-setting', '1'] }), {
    code: 'STACK_START_FAILED',
    engine: 'redis',
    message: /^redis: did not start \(it exited with 1\).*; see .*redis\.log$/,
  });
});
