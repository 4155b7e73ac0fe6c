import { test } from 'tap';
import { withEngines } from '../src/with-engines.ts';

const external = { KAFKA_BROKERS: '127.0.0.1:1', MONGODB_URI: 'mongodb://127.0.0.1:1' };

test('the command gets the addresses of both engines, and its exit status is returned', async (t) => {
  const before = { ...process.env };
  delete process.env.KAFKA_BROKERS;
  delete process.env.MONGODB_URI;
  t.teardown(() => Object.assign(process.env, before));
  const check = `
    const { KAFKA_BROKERS, MONGODB_URI } = process.env;
    const told = /^127.0.0.1:\\d+$/.test(KAFKA_BROKERS) && /^mongodb:..127.0.0.1:\\d+$/.test(MONGODB_URI);
    process.exit(told ? 7 : 1);`;
  t.equal(await withEngines(process.execPath, ['-e', check]), 7);
});

test('engines that are already named are passed on', async (t) => {
  const before = { ...process.env };
  Object.assign(process.env, external);
  t.teardown(() => {
    for (const name of Object.keys(external)) delete process.env[name];
    Object.assign(process.env, before);
  });
  const check = `process.exit(process.env.KAFKA_BROKERS === '127.0.0.1:1' ? 0 : 1)`;
  t.equal(await withEngines(process.execPath, ['-e', check]), 0);
  t.equal(await withEngines('sh', ['-c', 'kill -TERM $$']), 143);
  await t.rejects(withEngines('no-such-command', []), { code: 'ENOENT' });
});
