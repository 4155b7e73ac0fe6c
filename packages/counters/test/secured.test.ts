import { readFileSync } from 'node:fs';
import { hasIpv6, testCertificates, testRedis, testSecuredRedisCluster } from '@calltally/stack/testing';
import { test } from 'tap';
import { CounterSession, type CounterSessionOptions, ensureGenerations } from '../src/index.ts';

const PASSWORD = 'p@ss w0rd';
const limits = { commandTimeoutMs: 10_000, openTimeoutMs: 10_000 };
const pem = (path: string) => readFileSync(path, 'utf8');

test('a Redis with TLS and a password', async (t) => {
  const certificates = await testCertificates(t);
  const { server, expired, elsewhere, client, stranger } = certificates;
  const start = (identity: typeof server, args: string[] = [], mutual?: typeof client) =>
    testRedis(t, args, { identity, ca: certificates.ca, ...(mutual && { mutual }) });
  const [secured, mutual, old, moved, plain] = await Promise.all([
    start(server, ['--requirepass', PASSWORD]),
    start(server, [], client),
    start(expired),
    start(elsewhere),
    testRedis(t, ['--bind', '127.0.0.1 -::1']),
  ]);
  const ca = pem(certificates.ca);
  const url = secured.address.replace('//', `//:${encodeURIComponent(PASSWORD)}@`);
  const as = ({ cert, key }: typeof client) => ({ ca, cert: pem(cert), key: pem(key) });

  const open = async (options: Partial<CounterSessionOptions>) => {
    const session = await CounterSession.open({ ...limits, ...options });
    t.teardown(() => void session.end('the test is over'));
    return session;
  };

  await t.test('is counted in, with a client certificate where it wants one', async (t) => {
    const begin = { retentionMonths: 12, through: new Map([['0:0', -1]]) };
    for (const options of [
      { url, tls: { ca } },
      { url: url.replace('127.0.0.1', 'localhost'), tls: { ca } },
      { url: mutual.address, tls: as(client) },
    ])
      t.equal((await ensureGenerations(await open(options), begin)).size, 1);
  });

  await t.test('is reached by an IPv6 address, if the machine has any', async (t) => {
    if (!hasIpv6()) return;
    const url = new URL(plain.address);
    const nodes = [{ host: '::1', port: Number(url.port) }];
    url.hostname = '[::1]';
    t.equal((await open({ url: url.href })).masters.length, 1);
    const notOne = { message: /no node of the cluster tells its slots/ };
    await t.rejects(open({ clusterNodes: nodes }), notOne, 'it answers there, too');
  });

  const wrong = (login: string) => secured.address.replace('//', `//${login}@`);
  const cases: [string, Partial<CounterSessionOptions>, string, RegExp][] = [
    [
      'another authority',
      { url, tls: { ca: pem(certificates.otherCa) } },
      'TLS',
      /authority .* REDIS_TLS_CA_FILE/,
    ],
    ['no authority', { url }, 'TLS', /authority .* REDIS_TLS_CA_FILE/],
    ['an old certificate', { url: old.address, tls: { ca } }, 'TLS', /certificate has expired/],
    ['another name', { url: moved.address, tls: { ca } }, 'TLS', /another name .* REDIS_URL/],
    ['a wrong password', { url: wrong(':no'), tls: { ca } }, 'CREDENTIALS', /password; .*REDIS_PASSWORD/],
    ['an unknown user', { url: wrong('eve:no'), tls: { ca } }, 'CREDENTIALS', /user .*REDIS_URL/],
    ['no password', { url: secured.address, tls: { ca } }, 'CREDENTIALS', /password; .*REDIS_PASSWORD/],
    ['no TLS to it', { url: url.replace('rediss:', 'redis:') }, 'LOST', /expects TLS \(rediss:/],
    [
      'TLS to a plain one',
      { url: plain.address.replace('redis:', 'rediss:'), openTimeoutMs: 1_000 },
      'LOST',
      /whether that port speaks TLS/,
    ],
  ];
  for (const [what, options, code, message] of cases) {
    await t.test(`${what} is named in one line`, async (t) => {
      const thrown = await open(options).then(
        () => undefined,
        (error: Error) => error,
      );
      t.match(thrown, { code: `COUNTERS_${code}`, message });
      t.notMatch(thrown?.message, /127\.0\.0\.1|\n|p@ss|p%40/);
    });
  }

  await t.test('a missing or strange client certificate is named, however the server says it', async (t) => {
    // Redis closes the connection right after its alert, and either may arrive first.
    for (const tls of [{ ca }, as(stranger)])
      await t.rejects(open({ url: mutual.address, tls }), {
        code: /^COUNTERS_(TLS|LOST)$/,
        message: /client certificate .*REDIS_TLS_CERT_FILE/,
      });
  });
});

test('a cluster of three with TLS and a password', async (t) => {
  const certificates = await testCertificates(t);
  const tls = { identity: certificates.server, ca: certificates.ca };
  const nodes = await testSecuredRedisCluster(t, { tls, password: PASSWORD });
  const settings = { clusterNodes: nodes, password: PASSWORD, tls: { ca: pem(certificates.ca) }, ...limits };
  const session = await CounterSession.open(settings);
  t.teardown(() => void session.end('the test is over'));
  t.equal(session.masters.length, 3);
  const begin = { retentionMonths: 12, through: new Map([['0:0', -1]]) };
  t.equal((await ensureGenerations(session, begin)).size, 3, 'each master takes writes');

  for (const [options, code] of [
    [{ password: 'no' }, 'COUNTERS_CREDENTIALS'],
    [{ tls: { ca: pem(certificates.otherCa) } }, 'COUNTERS_TLS'],
  ] as const)
    await t.rejects(CounterSession.open({ ...settings, ...options }), { code });
});
