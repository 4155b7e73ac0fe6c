import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'tap';
import { choosePort } from '../src/ports.ts';

const host = '127.0.0.1';

test('ports', async (t) => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const taken = (server.address() as { port: number }).port;
  const wish = { variable: 'PORT', usual: taken, host };

  await t.test('a port that is in use or reserved is skipped for the next free one', async (t) => {
    const next = await choosePort({ ...wish, value: undefined });
    t.ok(next > taken && next < taken + 100);
    t.ok((await choosePort({ ...wish, value: '', reserved: [next] })) > next);
  });

  await t.test('the port that the variable names is used or refused, never replaced', async (t) => {
    const free = await choosePort({ ...wish, value: '0' });
    t.equal(await choosePort({ ...wish, value: `${free}` }), free);
    for (const value of [`${taken}`, 'x', '-1', '65536', '3000.5']) {
      await t.rejects(choosePort({ ...wish, value }), { code: 'DEV_PORT', message: 'PORT' }, value);
    }
    await t.rejects(choosePort({ ...wish, value: `${free}`, reserved: [free] }), { code: 'DEV_PORT' });
  });
});
