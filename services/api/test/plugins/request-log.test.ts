import { createHash } from 'node:crypto';
import { uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { exampleCalls, testApi, testWorld, until } from '../support.ts';

test('a request is logged as one line with its id and no secrets', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const secret = uniqueName('pa55');
  // A login that Redis may refuse or ignore. Either way, no line may contain it.
  const redisUrl = world.redisUrl.replace('//', `//someone:${secret}@`);
  const { app, get, lines } = await testApi(t, { ...world, redisUrl });
  await until(
    () => get('/analytics/dashboard', key),
    ({ status }) => status === 200,
  );
  lines.length = 0;

  const id = uniqueName('request');
  const answer = await app.inject({
    url: '/analytics/dashboard?start_date=2026-03-01&end_date=2026-03-28&user_id=u-342&token=x',
    headers: { authorization: `Bearer ${key}`, 'x-request-id': id, cookie: 'session=x' },
  });
  t.equal(answer.statusCode, 200);
  t.equal(answer.headers['x-request-id'], id);
  const own = lines.map((line) => JSON.parse(line)).filter((line) => line.request_id === id);
  t.equal(own.length, 1);
  t.match(own[0], {
    level: 'info',
    msg: 'request',
    method: 'GET',
    path: '/analytics/dashboard',
    status: 200,
    user_id: 'u-342',
    start_date: '2026-03-01',
    end_date: '2026-03-28',
    ms: Number,
  });
  t.notMatch(lines.join(''), /authorization|cookie|token|session/i);

  await t.test('the client is the one that connects, or the one that a trusted proxy reports', async (t) => {
    const clientOf = async (api: typeof app, said: string[]) => {
      said.length = 0;
      const headers = { 'x-forwarded-for': '198.51.100.7, 10.0.0.9' };
      await api.inject({ url: '/healthz', remoteAddress: '127.0.0.1', headers });
      return JSON.parse(said.find((line) => line.includes('"msg":"request"'))!).client;
    };
    t.equal(await clientOf(app, lines), '127.0.0.1');
    const behind = await testApi(t, world, { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    t.equal(await clientOf(behind.app, behind.lines), '198.51.100.7');
  });

  await t.test('an id that is not fit for a log is replaced', async (t) => {
    for (const bad of [key, 'a b', '"', 'x'.repeat(65), '{}', '-a', '']) {
      const { headers } = await app.inject({ url: '/healthz', headers: { 'x-request-id': bad } });
      t.match(headers['x-request-id'], /^[0-9a-f]{12}-[0-9a-z]+$/, bad);
    }
  });

  await t.test('a key is in no line and no body, wherever the client puts it', async (t) => {
    const authorization = `Bearer ${key}`;
    const bodies: string[] = [];
    for (const url of [
      `/${key}`,
      `/analytics/${key}/dashboard`,
      `/analytics/dashboard?api_key=${key}`,
      `/analytics/dashboard?start_date=${key}`,
      `/analytics/dashboard?end_date=${key}&end_date=${key}`,
      `/analytics/dashboard?user_id=${key}`,
      `/%zz${key}`,
    ]) {
      for (const headers of [{ authorization }, {}]) bodies.push((await app.inject({ url, headers })).body);
    }
    await world.mongoGate.cut();
    await world.redisGate.cut();
    bodies.push((await get('/analytics/dashboard', key)).body);
    bodies.push((await get('/analytics/dashboard', key.replace(/.$/, '_'))).body);
    bodies.push((await get('/readyz')).body);
    const said = lines.join('') + JSON.stringify(bodies);
    t.notMatch(said, key.slice(3));
    t.notMatch(said, createHash('sha256').update(key).digest('hex'));
    t.notMatch(said, secret);
    t.notMatch(said, /127\.0\.0\.1:\d/);
  });
});
