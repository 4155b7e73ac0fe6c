import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { type Test, test } from 'tap';
import { type Answer, exampleCalls, NOW_MS, testApi, testWorld, until } from '../support.ts';

const DASHBOARD = '/analytics/dashboard?start_date=2026-03-01&end_date=2026-03-28';
/** A request that fails does so before long; those of one test stay below the limit of failures a second. */
const UNKNOWN_KEY = `ct_${'A'.repeat(43)}`;

/** 401 in the shape of every error, with WWW-Authenticate and without figures. */
function isRefusal(t: Test, answer: Answer, code: string, challenge: string, what: string): void {
  t.equal(answer.status, 401, what);
  t.equal(answer.headers['www-authenticate'], challenge, what);
  t.strictSame(Object.keys(answer.body), ['success', 'message', 'error'], what);
  t.strictSame([answer.body.success, answer.body.error], [false, { code }], what);
  t.notMatch(JSON.stringify(answer.body), /\d/, what);
  t.equal(answer.headers['x-tally-source'], undefined, what);
}

const MISSING = ['MISSING_API_KEY', 'Bearer'] as const;
const INVALID = ['INVALID_API_KEY', 'Bearer error="invalid_token"'] as const;

test('every 401', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const now = { ms: NOW_MS };
  const { app, get } = await testApi(t, world, { now });

  async function send(authorization?: string, path = DASHBOARD): Promise<Answer> {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await app.inject({ url: path, headers });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  }

  await t.test('the scheme is not case-sensitive', async (t) => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
      t.equal((await send(`${scheme} ${key}`)).status, 200, scheme);
    }
  });

  await t.test('no key', async (t) => {
    isRefusal(t, await send(), ...MISSING, 'no header');
    for (const header of [
      '',
      'Bearer',
      'Bearer ',
      'bearer   ',
      key,
      `Basic ${key}`,
      `Token ${key}`,
      'Bearer\t',
    ]) {
      isRefusal(t, await send(header), ...MISSING, JSON.stringify(header));
    }
  });

  await t.test('a key that is none', async (t) => {
    const malformed = [
      'x',
      'ct_',
      'ct_short',
      `${key}x`,
      key.slice(1),
      key.toUpperCase(),
      `${key} ${key}`,
      `"${key}"`,
      `${key},`,
      'ct_'.padEnd(5_000, 'A'),
    ];
    for (const token of [...malformed, UNKNOWN_KEY]) {
      isRefusal(t, await send(`Bearer ${token}`), ...INVALID, token.slice(0, 60));
    }
  });

  await t.test('a key in the wrong place', async (t) => {
    isRefusal(t, await get(`${DASHBOARD}&api_key=${key}`), ...MISSING, 'in the query');
    const response = await app.inject({ url: DASHBOARD, headers: { 'x-api-key': key } });
    t.equal(response.statusCode, 401);
  });

  await t.test('a key of another user', async (t) => {
    const challenge = 'Bearer error="invalid_token"';
    isRefusal(t, await get(`${DASHBOARD}&user_id=u-1`, key), 'OTHER_USER', challenge, 'another');
    isRefusal(t, await get(`${DASHBOARD}&user_id=`, key), 'OTHER_USER', challenge, 'nobody');
    const other = await get(DASHBOARD, await world.keyOf('u-other'));
    t.equal(other.body.data.total_calls, 0, "another user's key opens that user's numbers");
  });

  await t.test('an expired key, from that moment, even if it is cached', async (t) => {
    const expiring = await world.keyOf('u-342', new Date(NOW_MS + 1_000));
    t.equal((await get(DASHBOARD, expiring)).status, 200);
    now.ms = NOW_MS + 999;
    t.equal((await get(DASHBOARD, expiring)).status, 200);
    now.ms = NOW_MS + 1_000;
    isRefusal(t, await get(DASHBOARD, expiring), ...INVALID, 'known');
    const never = await world.keyOf('u-342', new Date(NOW_MS));
    isRefusal(t, await get(DASHBOARD, never), ...INVALID, 'never known');
    now.ms = NOW_MS;
  });

  await t.test('a revoked key, soon and for good, in every process that has cached it', async (t) => {
    const elsewhere = await testApi(t, world);
    const { apiKey, row } = await world.store.apiKeys.create({ userId: 'u-342' });
    t.equal((await get(DASHBOARD, apiKey)).status, 200);
    t.equal((await elsewhere.get(DASHBOARD, apiKey)).status, 200);
    await world.store.apiKeys.revoke(row._id);
    for (const api of [{ get }, elsewhere]) {
      const last = await until(
        () => api.get(DASHBOARD, apiKey),
        (answer) => answer.status !== 200,
      );
      isRefusal(t, last, ...INVALID, 'revoked');
    }
    const afterwards = await testApi(t, world);
    isRefusal(t, await afterwards.get(DASHBOARD, apiKey), ...INVALID, 'never known');
    t.equal((await get(DASHBOARD, key)).status, 200, 'another key of the same user stays');
  });

  await t.test('a user of any id is answered, and no id goes into a header', async (t) => {
    for (const user of ['+15550100042', '客户', '💬', '__proto__', '}{', 'a b', '\u202ex\u2028y']) {
      const own = await world.keyOf(user);
      const { status, headers } = await get(`${DASHBOARD}&user_id=${encodeURIComponent(user)}`, own);
      t.equal(status, 200);
      t.notOk(JSON.stringify(headers).includes(user));
      t.match(await get(`${DASHBOARD}&user_id=u-342`, own), {
        status: 401,
        body: { error: { code: 'OTHER_USER' } },
      });
    }
  });

  await t.test('being refused comes before bad dates', async (t) => {
    isRefusal(t, await get('/analytics/dashboard?start_date=x&start_date=y'), ...MISSING, 'no key');
  });

  await t.test('HEAD is refused too', async (t) => {
    t.equal((await app.inject({ method: 'HEAD', url: DASHBOARD })).statusCode, 401);
  });

  await t.test('a key made just now works, although it was tried before it was there', async (t) => {
    const fresh = await world.keyOf('u-342');
    const last = await until(
      () => get(DASHBOARD, fresh),
      ({ status }) => status === 200,
    );
    t.equal(last.status, 200);
  });
});

/** A well-formed key that does not exist. */
const strangeKey = () => `ct_${randomBytes(32).toString('base64url')}`;

test('wrong keys cost no good key that is not known yet, on whatever route', async (t) => {
  const world = await testWorld(t);
  const keys = await Promise.all(Array.from({ length: 20 }, (_, i) => world.keyOf(`u-${i}`)));
  const { app, get } = await testApi(t, world);
  await until(
    () => get(DASHBOARD, strangeKey()),
    ({ status }) => status === 401,
  );
  const told = new Set<number>();
  for (const [i, key] of keys.entries()) {
    const wrong = Array.from({ length: 60 }, () => get(DASHBOARD, strangeKey()));
    const method = i % 2 === 0 ? 'GET' : 'HEAD';
    const url = i % 3 === 0 ? '/analytics/timeseries' : '/analytics/dashboard';
    const { statusCode } = await app.inject({ method, url, headers: { authorization: `Bearer ${key}` } });
    t.equal(statusCode, 200, `${method} ${url} with a key that was never seen`);
    for (const { status } of await Promise.all(wrong)) told.add(status);
  }
  t.ok(told.has(429), 'who fails is told to wait');
  t.ok(
    [...told].every((status) => status === 401 || status === 429),
    `they are told ${[...told]}`,
  );
});

test('failures count by client: the one that a trusted proxy reports, else the one that connects', async (t) => {
  const world = await testWorld(t);
  const limitedOf = async (
    app: FastifyInstance,
    client: (i: number) => string,
    remoteAddress = '127.0.0.1',
  ) => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        app.inject({ url: DASHBOARD, remoteAddress, headers: { 'x-forwarded-for': client(i) } }),
      ),
    );
    return answers.filter(({ statusCode }) => statusCode === 429).length;
  };
  const alone = await testApi(t, world);
  t.ok((await limitedOf(alone.app, (i) => `198.51.100.${i}`)) > 0, 'nobody chooses an address of their own');
  const behind = await testApi(t, world, { trustedProxies: ['loopback', '10.0.0.0/8'] });
  t.equal(await limitedOf(behind.app, (i) => `198.51.100.${i}`), 0, 'a hundred clients of a proxy');
  t.equal(await limitedOf(behind.app, (i) => `198.51.100.${i}, 10.1.2.3`), 0, 'behind two of them');
  t.ok((await limitedOf(behind.app, (i) => `192.0.2.1:${50_000 + i}`)) > 0, 'one client at many ports');
  t.ok(
    (await limitedOf(behind.app, (i) => `203.0.113.${i}, 192.0.2.2`)) > 0,
    'what a client itself sent is not read',
  );
  t.ok((await limitedOf(behind.app, (i) => `2001:db8::${i}`)) > 0, 'one client with a /64 of its own');
  t.equal(await limitedOf(behind.app, (i) => `2001:db9:0:${i}::1`), 0, 'and clients of many such');
  t.ok(
    (await limitedOf(behind.app, (i) => `203.0.113.${i}`, '192.0.2.9')) > 0,
    'another than the proxy is not believed',
  );
});

test('too many failures from one address are refused, but keys that are known pass', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world);
  const isAnswered = ({ status }: Answer) => status === 200;
  t.equal((await until(() => get(DASHBOARD, key), isAnswered)).status, 200);
  const tryMany = () => Promise.all(Array.from({ length: 100 }, () => get(DASHBOARD, 'nonsense')));
  const isTooMany = ({ status }: Answer) => status === 429;
  const tries = await until(tryMany, (answers) => answers.some(isTooMany));
  t.ok(tries.every(({ status }) => status === 401 || status === 429));
  t.match(tries.find(isTooMany), {
    headers: { 'retry-after': '1' },
    body: { error: { code: 'TOO_MANY_FAILURES' } },
  });
  t.equal((await get(DASHBOARD, key)).status, 200);
  const again = await until(
    () => get(DASHBOARD, 'nonsense'),
    ({ status }) => status === 401,
  );
  t.equal(again.status, 401, 'a second later they are told why again');
});
