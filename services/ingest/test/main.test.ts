import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function check(env: Record<string, string>) {
  return spawnSync(process.execPath, ['--import=tsx', '--conditions=calltally', main, '--check-config'], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  });
}

test('--check-config succeeds with good settings, and names every fault of bad ones', async (t) => {
  t.equal(check({}).status, 0);
  const { status, stderr } = check({ KAFKA_BROKERS: 'nowhere', INGEST_PORT: '70000', LOG_LEVEL: 'loud' });
  t.equal(status, 1);
  for (const variable of ['KAFKA_BROKERS', 'INGEST_PORT', 'LOG_LEVEL']) t.match(stderr, variable);
});
