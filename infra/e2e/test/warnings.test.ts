import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { calltally } from '../src/command.ts';
import { ask } from '../src/dashboard.ts';
import { redisCommand } from '../src/engines.ts';
import { startWorld } from '../src/world.ts';

// What Node warns about today (a deprecated call, a timer in the past), the next Node version refuses.
test('no process prints anything but its own lines, from start to end', async (t) => {
  const { platform, traffic } = await startWorld(t, { users: 2 });
  const folder = mkdtempSync(join(tmpdir(), 'calltally-warnings-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'calls.ndjson');
  const calls = traffic.calls(20, Date.now()).map((call) => JSON.stringify(call));
  writeFileSync(file, calls.join('\n'));
  const [user = ''] = traffic.users;
  const quiet = async (...args: string[]) => {
    const { status, out, err } = await calltally(platform, ...args);
    t.match({ status, err }, { status: 0, err: '' }, `calltally ${args[0]}`);
    return out;
  };

  const { api_key: key } = JSON.parse(await quiet('keys', 'create', '--user', user, '--json'));
  await quiet('publish', file);
  await platform.sendMessages([{ key: 'nobody', value: 'no event' }]);
  await platform.untilRead();
  await platform.deadLetters(1);
  t.equal((await ask(platform.api.url, key)).status, 200);
  const following = new AbortController();
  const stream = await fetch(`${platform.api.url}/analytics/stream`, {
    headers: { authorization: `Bearer ${key}` },
    signal: following.signal,
  });
  await stream.body?.getReader().read();
  following.abort();
  await redisCommand(platform.redis.address, 'FLUSHALL');
  t.equal((await ask(platform.api.url, key)).status, 200, 'from Mongo');
  await platform.untilCaughtUp(key);
  await quiet('lag');
  await quiet('verify', '--user', user);
  await quiet('dlq', 'list');
  await quiet('rebuild', '--user', user);

  for (const service of [...platform.apis, ...platform.ingests]) {
    t.equal(await service.end('SIGTERM'), 0, service.name);
    const foreign = service.log.split('\n').filter((line) => line !== '' && !line.startsWith('{"level"'));
    t.same(foreign, [], `${service.name} prints nothing but its log`);
  }
});
