import { hasIpv6, uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { startApi as start } from './process.ts';

/** Nothing listens on these ports. */
const NOWHERE = { REDIS_URL: 'redis://127.0.0.1:1', MONGODB_URI: 'mongodb://127.0.0.1:1/calltally' };

test('it starts while both stores are down, logs its address, and stops on a signal', async (t) => {
  // SIGINT comes from a terminal and waits for no balancer.
  for (const [signal, DRAIN_SECONDS] of [
    ['SIGTERM', '0'],
    ['SIGINT', '3600'],
  ] as const) {
    const api = start(t, { ...NOWHERE, DRAIN_SECONDS });
    const [, address] = await api.says(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
    t.equal((await fetch(`${address}/healthz`)).status, 200);
    t.equal((await fetch(`${address}/readyz`)).status, 503);
    t.equal((await fetch(`${address}/analytics/dashboard`)).status, 401);
    await api.says(/Redis is away: Redis cannot be reached: ECONNREFUSED/);
    await api.says(/Mongo is away: no Mongo can be reached; [^"]*MONGODB_URI/);
    api.child.kill(signal);
    t.equal(await api.ended(), 0, signal);
    t.match(api.output(), /"msg":"stopped"/);
  }
});

test('it listens at an IPv6 address, if the machine has any, and says where', async (t) => {
  if (!hasIpv6()) return;
  const api = start(t, { ...NOWHERE, HOST: '::1', MANAGEMENT_PORT: '0' });
  for (const pattern of [
    /"listening on (http:\/\/\[::1\]:\d+)/,
    /metrics are served on (http:\/\/\[::1\]:\d+)/,
  ]) {
    const [, address] = await api.says(pattern);
    const { status } = await fetch(`${address}/analytics/dashboard`);
    t.ok([401, 404].includes(status), pattern.source);
  }
  const bracketed = start(t, { ...NOWHERE, HOST: '[::1]' });
  t.equal(await bracketed.ended(), 1);
  t.match(bracketed.output(), /HOST cannot be used: set it to .*IPv6 without brackets/);
});

test('after SIGTERM readiness says no first, while requests are answered and asked to use another connection', async (t) => {
  const api = start(t, { ...NOWHERE, DRAIN_SECONDS: '2' });
  const [, address] = await api.says(/listening on (http:\/\/127\.0\.0\.1:\d+)/);
  t.equal((await fetch(`${address}/healthz`)).headers.get('connection'), 'keep-alive');
  api.child.kill('SIGTERM');
  await api.says(/"msg":"stopping"/);
  const readiness = await fetch(`${address}/readyz`);
  t.equal(readiness.status, 503);
  t.match(await readiness.json(), { status: 'draining', dependencies: { redis: 'down', mongo: 'down' } });
  for (const [path, status] of [
    ['/healthz', 200],
    ['/', 200],
    ['/analytics/dashboard', 401],
    ['/nowhere', 404],
  ] as const) {
    const answer = await fetch(address + path);
    t.same([answer.status, answer.headers.get('connection')], [status, 'close'], path);
  }
  t.equal(await api.ended(), 0);
  t.match(api.output(), /"msg":"stopped"/);
});

test('a second signal waits for nothing', async (t) => {
  const api = start(t, { ...NOWHERE, DRAIN_SECONDS: '3600' });
  await api.says(/listening on/);
  api.child.kill('SIGTERM');
  await api.says(/"msg":"stopping"/);
  api.child.kill('SIGINT');
  t.equal(await api.ended(), 1);
  t.match(api.output(), /asked again to stop, exiting at once/);
});

test('with a management port, health and metrics are there and nowhere else, until the end', async (t) => {
  const api = start(t, { ...NOWHERE, MANAGEMENT_PORT: '0', DRAIN_SECONDS: '1' });
  const [, management] = await api.says(/metrics are served on (http:\/\/127\.0\.0\.1:\d+)/);
  const [, address] = await api.says(/"listening on (http:\/\/127\.0\.0\.1:\d+)/);
  const paths = { '/healthz': 200, '/readyz': 503, '/metrics': 200 };
  for (const [path, status] of Object.entries(paths)) {
    t.equal((await fetch(`${management}${path}`)).status, status, path);
    const elsewhere = await fetch(`${address}${path}`);
    t.match([elsewhere.status, await elsewhere.json()], [404, { error: { code: 'NOT_FOUND' } }], path);
  }
  t.equal((await fetch(`${management}/analytics/dashboard`)).status, 404);
  const described = await (await fetch(`${address}/openapi.json`)).text();
  t.match(described, '/analytics/dashboard');
  t.notMatch(described, '/readyz', 'the document describes what is served here');
  api.child.kill('SIGTERM');
  await api.says(/"msg":"stopping"/);
  t.match(await (await fetch(`${management}/readyz`)).json(), { status: 'draining' });
  t.equal(await api.ended(), 0);
});

test('--check-config exits after reading settings, and reports every invalid one without its value', async (t) => {
  const good = start(t, {}, ['--check-config']);
  t.equal(await good.ended(), 0);
  const secret = uniqueName('pa55');
  const bad = start(
    t,
    {
      PORT: secret,
      MONGODB_URI: secret,
      TRUST_PROXY: secret,
      RATE_LIMIT_PER_SECOND: secret,
      DRAIN_SECONDS: secret,
    },
    ['--check-config'],
  );
  t.equal(await bad.ended(), 1);
  for (const variable of ['PORT', 'MONGODB_URI', 'TRUST_PROXY', 'RATE_LIMIT_PER_SECOND', 'DRAIN_SECONDS'])
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
