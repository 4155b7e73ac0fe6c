import { type ClientError, createClient, isClientError } from '@calltally/client';
import { test } from 'tap';
import { addressOf } from '../stream/support.ts';
import { exampleCalls, testApi, testWorld, untilRedisIsMissed } from '../support.ts';
import { countedFetch } from './support.ts';

const RANGE = { start_date: '2026-03-01', end_date: '2026-03-28' };

async function faultOf(promise: Promise<unknown>): Promise<ClientError> {
  const thrown: unknown = await promise.catch((error) => error);
  if (isClientError(thrown)) return thrown;
  throw thrown;
}

test('@calltally/client asks the API', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const { apiKey, row } = await world.store.apiKeys.create({ userId: 'u-342' });
  const api = await testApi(t, world);
  const { fetch, asked } = countedFetch();
  const baseUrl = await addressOf(api);
  const client = createClient({ baseUrl, apiKey, fetch });

  await t.test('answers are what the API sends, with its headers', async (t) => {
    const raw = await api.get('/analytics/dashboard?start_date=2026-03-01&end_date=2026-03-28', apiKey);
    const answer = await client.dashboard(RANGE);
    t.strictSame(answer.data, raw.body.data);
    t.equal(answer.data.total_calls, 342);
    t.match(answer, { source: 'counters', asOf: raw.headers['x-tally-as-of'] });
    t.match(api.lines.join(''), `"request_id":"${answer.requestId}"`);

    const { data } = await client.timeseries({ interval: 'month', ...RANGE });
    t.match(data.buckets, [{ start: '2026-03-01', calls: 342, duration_ms: 91_245_000 }]);
    const csv = await client.timeseriesCsv({ interval: 'month', decimal: 'comma', ...RANGE });
    t.equal(csv.fileName, 'calltally-month-2026-03-01-to-2026-03-28.csv');
    t.match(csv.data, /\r\n2026-03-01;342;91245000;1520,75;4,45\r\n/);
  });

  await t.test('a period, and the range before', async (t) => {
    const { data } = await client.dashboard({ period: 'yesterday', compare: 'previous' });
    const before = { start_date: '2026-03-26T00:00:00Z', end_date: '2026-03-26T23:59:59Z' };
    t.strictSame(data.previous?.date_range, before);
    t.equal(data.previous?.total_calls, (await client.dashboard(before)).data.total_calls);
    const series = await client.timeseries({ period: 'yesterday', compare: 'previous' });
    t.match(series.data.previous?.buckets, [{ start: '2026-03-26', calls: data.previous?.total_calls }]);
    t.equal((await client.durations({ period: 'yesterday' })).data.calls, data.total_calls);
  });

  await t.test('each refusal has its code, and is not repeated', async (t) => {
    const unknown = createClient({ baseUrl, apiKey: `ct_${'x'.repeat(43)}`, fetch });
    for (const [promise, code, status] of [
      [() => client.dashboard({ start_date: 'x' }), 'INVALID_DATE', 400],
      [() => client.timeseries({ start_date: '2000-01-01' }), 'TOO_MANY_BUCKETS', 400],
      [() => client.dashboard({ user_id: 'another' }), 'OTHER_USER', 401],
      [() => unknown.dashboard(), 'INVALID_API_KEY', 401],
    ] as const) {
      const before = asked.length;
      t.match(await faultOf(promise()), { code, status, retryable: false });
      t.equal(asked.length - before, 1, code);
    }
  });

  await t.test('while no store can be read it says so, and it answers when one is back', async (t) => {
    await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
    await untilRedisIsMissed(api);
    const impatient = createClient({ baseUrl, apiKey, retriesMax: 0 });
    t.match(await faultOf(impatient.dashboard(RANGE)), {
      code: 'UNAVAILABLE',
      retryable: true,
      retryAfterMs: 1_000,
    });
    const before = asked.length;
    const answer = client.dashboard(RANGE);
    await Promise.all([world.redisGate.open(), world.mongoGate.open()]);
    t.equal((await answer).data.total_calls, 342);
    t.ok(asked.length - before <= 3);
  });

  await t.test('a revoked key is replaced by the next token; without one it is refused', async (t) => {
    const tokens = [apiKey, await world.keyOf('u-342')];
    await world.store.apiKeys.revoke(row._id);
    while ((await api.get('/analytics/dashboard', apiKey)).status === 200);
    const renewing = createClient({ baseUrl, token: () => tokens.shift() ?? '', fetch });
    t.equal((await renewing.dashboard(RANGE)).data.total_calls, 342);
    t.match(await faultOf(client.dashboard()), { code: 'INVALID_API_KEY' });
  });
});

test('who asks too often gets every answer, after the pause that the API asks for', async (t) => {
  const world = await testWorld(t);
  const api = await testApi(t, world, { rateLimitPerSecond: 2 });
  const { fetch, asked } = countedFetch();
  const client = createClient({ baseUrl: await addressOf(api), apiKey: await world.keyOf('u'), fetch });
  const answers = await Promise.all([1, 2, 3].map(() => client.dashboard()));
  t.same(
    answers.map(({ data }) => data.total_calls),
    [0, 0, 0],
  );
  t.ok(asked.length > 3, `${asked.length} requests for 3 answers`);
});
