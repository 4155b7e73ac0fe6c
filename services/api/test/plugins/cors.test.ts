import { test } from 'tap';
import { addressOf } from '../stream/support.ts';
import { callsAt, NOW_MS, testApi, testWorld, until } from '../support.ts';

const ORIGIN = 'https://app.example';
const DASHBOARD = '/analytics/dashboard';
const PREFLIGHT = {
  'access-control-request-method': 'GET',
  'access-control-request-headers': 'authorization,last-event-id',
};

const corsHeaders = (headers: Record<string, unknown>) =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

test('pages of listed origins can read figures, the stream and every error', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const { apiKey: writer } = await world.store.apiKeys.create({ userId: 'u', scope: 'write' });
  const api = await testApi(t, world, { origins: ['http://localhost:5173', ORIGIN] });
  const send = (
    url: string,
    origin: string | undefined,
    token?: string,
    method: 'GET' | 'OPTIONS' | 'POST' = 'GET',
  ) =>
    api.app.inject({
      method,
      url,
      headers: {
        ...(origin !== undefined && { origin }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(method === 'OPTIONS' && PREFLIGHT),
      },
    });
  await until(
    () => send(DASHBOARD, undefined, key),
    ({ statusCode }) => statusCode === 200,
  );

  await t.test('answers and errors', async (t) => {
    const cases: [url: string, token: string | undefined, status: number, method?: 'POST'][] = [
      [DASHBOARD, key, 200],
      ['/analytics/timeseries', key, 200],
      ['/analytics/timeseries?format=csv', key, 200],
      ['/analytics/breakdown?by=agent', key, 200],
      ['/analytics/breakdown', key, 400],
      [`${DASHBOARD}?start_date=x`, key, 400],
      [DASHBOARD, undefined, 401],
      [DASHBOARD, 'a.b.c', 401],
      [`${DASHBOARD}?user_id=v`, key, 401],
      [DASHBOARD, writer, 403],
      ['/analytics/dashbord', key, 404],
      ['/nothing', key, 404],
      [DASHBOARD, key, 405, 'POST'],
    ];
    for (const [url, token, status, method] of cases) {
      const { statusCode, headers } = await send(url, ORIGIN, token, method);
      t.equal(statusCode, status, url);
      t.equal(headers['access-control-allow-origin'], ORIGIN, `${status} ${url}`);
      t.match(headers.vary, /\bOrigin\b/, `${status} ${url}`);
      if (url.includes('timeseries')) t.match(headers.vary, /Accept, accept-encoding/);
      const exposed = String(headers['access-control-expose-headers']).toLowerCase();
      for (const name of ['x-tally-as-of', 'x-tally-source', 'x-tally-cells', 'x-request-id', 'retry-after'])
        t.match(exposed, name);
      t.equal(headers['access-control-allow-credentials'], undefined, 'never with cookies');
      t.ok(headers['x-request-id']);
    }
  });

  await t.test('a preflight, which browsers remember', async (t) => {
    for (const url of [DASHBOARD, '/analytics/stream', '/nothing']) {
      const { statusCode, headers, body } = await send(url, ORIGIN, undefined, 'OPTIONS');
      t.same([statusCode, body], [204, ''], url);
      t.match(headers, {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers':
          /authorization, last-event-id, x-request-id, cache-control, traceparent, tracestate/i,
        'access-control-max-age': '7200',
        vary: /Origin/,
        'x-request-id': String,
      });
    }
  });

  await t.test('the stream', async (t) => {
    const leaving = new AbortController();
    const headers = { origin: ORIGIN, authorization: `Bearer ${key}` };
    const url = `${await addressOf(api)}/analytics/stream`;
    const answer = await fetch(url, { headers, signal: leaving.signal });
    t.equal(answer.status, 200);
    t.equal(answer.headers.get('access-control-allow-origin'), ORIGIN);
    t.match(answer.headers.get('access-control-expose-headers'), /x-request-id/i);
    t.match(answer.headers.get('vary'), /origin/i);
    leaving.abort();
    const refused = await fetch(url, { headers: { origin: ORIGIN } });
    t.same([refused.status, refused.headers.get('access-control-allow-origin')], [401, ORIGIN]);
    await refused.text();
  });

  await t.test('other origins, and what is not for pages, are answered as without CORS', async (t) => {
    const alone = await testApi(t, world);
    for (const origin of [
      undefined,
      'null',
      `${ORIGIN}.evil`,
      'http://app.example',
      'https://APP.example',
      `${ORIGIN}/`,
    ]) {
      for (const [url, method] of [
        [DASHBOARD, 'GET'],
        [DASHBOARD, 'OPTIONS'],
        ['/nothing', 'OPTIONS'],
        ['/nothing', 'GET'],
      ] as const) {
        const headers = { ...(origin !== undefined && { origin }), ...PREFLIGHT };
        const [answer, without] = await Promise.all([
          api.app.inject({ method, url, headers }),
          alone.app.inject({ method, url, headers }),
        ]);
        t.same(
          [answer.statusCode, answer.body],
          [without.statusCode, without.body],
          `${method} ${url} ${origin}`,
        );
        t.equal(answer.headers.allow, without.headers.allow);
        t.same(corsHeaders(answer.headers), [], `${method} ${url} ${origin}`);
      }
    }
    for (const url of ['/metrics', '/healthz', '/readyz', '/', '/openapi.json']) {
      t.same(corsHeaders((await send(url, ORIGIN)).headers), [], url);
    }
  });

  await t.test('when too many fail, and when nothing can be read', async (t) => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(DASHBOARD, ORIGIN, 'nonsense')));
    const limited = answers.find(({ statusCode }) => statusCode === 429);
    t.equal(limited?.headers['access-control-allow-origin'], ORIGIN);
    await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
    const away = await until(
      () => send(DASHBOARD, ORIGIN, key),
      ({ statusCode }) => statusCode === 503,
    );
    t.same([away.statusCode, away.headers['access-control-allow-origin']], [503, ORIGIN]);
  });
});
