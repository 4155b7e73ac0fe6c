import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld, until } from '../support.ts';
import { addressOf, listen, metricOf } from './support.ts';

test('errors are sent as JSON before a stream begins', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const cases: [key: string | undefined, query: string, status: number, code: string][] = [
    [undefined, '', 401, 'MISSING_API_KEY'],
    ['nonsense', '', 401, 'INVALID_API_KEY'],
    [`ct_${'A'.repeat(43)}`, '', 401, 'INVALID_API_KEY'],
    [key, 'user_id=v', 401, 'OTHER_USER'],
    [key, 'start_date=yesterday', 400, 'INVALID_DATE'],
    [key, 'end_date=2026-03-01&end_date=2026-03-02', 400, 'INVALID_DATE'],
    [key, 'start_date=2027-01-01', 400, 'START_AFTER_END'],
  ];
  for (const [ownKey, query, status, code] of cases) {
    const answer = await listen(t, api, ownKey, { query });
    t.equal(answer.status, status, query);
    t.match(answer.headers.get('content-type'), /^application\/json/);
    t.match(await answer.body, { success: false, message: String, error: { code } });
    t.equal(answer.headers.has('www-authenticate'), status === 401);
  }
  t.equal(await metricOf(api, 'calltally_streams_open'), 0);
});

test('HEAD answers the same headers and ends', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  const address = await addressOf(api);
  const ask = (headers: Record<string, string>) =>
    fetch(`${address}/analytics/stream`, { method: 'HEAD', headers });
  const answer = await ask({ authorization: `Bearer ${key}` });
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  t.equal(await answer.text(), '');
  t.equal((await ask({})).status, 401);
  t.equal(await metricOf(api, 'calltally_streams_open'), 0);
});

test('streams of a user and of a process are limited, and a seat that is left is free', async (t) => {
  const world = await testWorld(t);
  const [one, same, other, third] = await Promise.all([
    world.keyOf('u-1'),
    world.keyOf('u-1'),
    world.keyOf('u-2'),
    world.keyOf('u-3'),
  ]);
  const api = await testApi(t, world, { streamLimits: { perUser: 2, perProcess: 3 } });
  const isRefused = async (key: string, message: RegExp) => {
    const answer = await listen(t, api, key);
    t.equal(answer.status, 429);
    t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
    t.match(await answer.body, { success: false, message, error: { code: 'TOO_MANY_STREAMS' } });
  };
  const [first] = await Promise.all([listen(t, api, one), listen(t, api, same)]);
  await isRefused(one, /At most 2 streams of a user/);
  t.equal((await listen(t, api, other)).status, 200, 'another user has seats of its own');
  await isRefused(third, /No more streams/);
  first.close();
  const again = await until(
    () => listen(t, api, third),
    ({ status }) => status === 200,
  );
  t.equal(again.status, 200);
});

test('while neither store can be read a stream is refused, and its seat is free', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const api = await testApi(t, world);
  t.equal((await api.get('/analytics/dashboard', key)).status, 200);
  await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
  const answer = await listen(t, api, key);
  t.equal(answer.status, 503);
  t.match(answer.headers.get('retry-after'), /^[1-9]\d*$/);
  t.match(await answer.body, { success: false, error: { code: 'UNAVAILABLE' } });
  t.equal(await metricOf(api, 'calltally_streams_open'), 0);
});
