import { uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { startApi as start } from './process.ts';

/** Nothing listens on these ports. */
const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', MONGODB_URI: 'mongodb://127.0.0.1:1/calltally' };

test('it starts while both stores are down, logs its address, and stops on a signal', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const api = start(t, NOWHERE);
    const [, address] = await api.says(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
    t.equal((await fetch(`${address}/healthz`)).status, 200);
    t.equal((await fetch(`${address}/readyz`)).status, 503);
    t.equal((await fetch(`${address}/analytics/dashboard`)).status, 401);
    api.child.kill(signal);
    t.equal(await api.ended(), 0, signal);
    t.match(api.output(), /"msg":"stopped"/);
  }
});

test('--check-config exits after reading settings, and reports every invalid one without its value', async (t) => {
  const good = start(t, {}, ['--check-config']);
  t.equal(await good.ended(), 0);
  const secret = uniqueName('pa55');
  const bad = start(
    t,
    { PORT: secret, MONGODB_URI: secret, TRUST_PROXY: secret, RATE_LIMIT_PER_SECOND: secret },
    ['--check-config'],
  );
  t.equal(await bad.ended(), 1);
  for (const variable of ['PORT', 'MONGODB_URI', 'TRUST_PROXY', 'RATE_LIMIT_PER_SECOND'])
    t.match(bad.output(), variable);
  t.notMatch(bad.output(), secret);
});

test('a port that is taken is one clear line and exit status 1', async (t) => {
  const first = start(t, NOWHERE);
  const [, port = ''] = await first.says(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
  const second = start(t, { ...NOWHERE, PORT: port });
  t.equal(await second.ended(), 1);
  t.match(second.output(), /"msg":"cannot listen; end what listens there, or set PORT/);
  t.match(second.output(), /EADDRINUSE/);
});
