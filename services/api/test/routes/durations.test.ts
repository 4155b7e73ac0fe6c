import { readFileSync } from 'node:fs';
import type { Call } from '@calltally/domain';
import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld, untilRedisIsMissed } from '../support.ts';

const PATH = '/analytics/durations';
const HOUR_MS = 3_600_000;

/** The documented example: 342 calls, most of them short, some long. The agent takes each third. */
function exampleCalls(userId: string): Call[] {
  return callsAt(
    userId,
    Array.from({ length: 342 }, (_, i) => NOW_MS - i * HOUR_MS),
    0,
  ).map((call, i) => ({
    ...call,
    durationMs: Math.round(4_000 * 1.0175 ** ((i * 41) % 342)),
    ...(i % 3 === 0 && { agentId: 'maria' }),
    status: i % 10 === 0 ? 'failed' : 'completed',
  }));
}

test('GET /analytics/durations', async (t) => {
  const world = await testWorld(t);
  const calls = exampleCalls('u-342');
  await world.count([...calls, ...callsAt('u-other', [NOW_MS, NOW_MS - 1], 7)]);
  const key = await world.keyOf('u-342');
  const { app, get } = await testApi(t, world);

  await t.test('the documented example is answered field for field, from rows', async (t) => {
    const page = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('## GET /analytics/durations'));
    const [url] = /\/analytics\/durations\?[^']+/.exec(section) ?? [''];
    const [, json] = /```json\n(.*?)```/s.exec(section) ?? [];
    const { status, headers, body } = await get(url, key);
    t.equal(status, 200);
    t.strictSame(body, JSON.parse(json ?? ''));
    t.equal(headers['x-tally-source'], 'mongo');
    t.equal(headers['cache-control'], 'private, no-store');
    t.match(headers['server-timing'], /^auth;dur=[\d.]+, read;dur=[\d.]+$/);
    t.ok(Date.parse(String(headers['x-tally-as-of'])) <= Date.now());
  });

  await t.test(
    'percentiles are those of the sorted durations, of the calls that a filter lets through',
    async (t) => {
      const filters: [query: string, passes: (call: Call) => boolean][] = [
        ['', () => true],
        ['&agent_id=maria', ({ agentId }) => agentId === 'maria'],
        ['&agent_id=', ({ agentId }) => agentId === undefined],
        ['&status=failed&status=busy', ({ status }) => status === 'failed'],
        [
          '&status=completed&agent_id=maria',
          (call) => call.status === 'completed' && call.agentId === 'maria',
        ],
      ];
      for (const [query, passes] of filters) {
        const seconds = calls
          .filter(passes)
          .map(({ durationMs }) => durationMs / 1_000)
          .sort((a, b) => a - b);
        const at = (percent: number) => seconds[Math.ceil((percent * seconds.length) / 100) - 1];
        const range = 'start_date=2026-03-01&end_date=2026-03-28';
        const { data } = (await get(`${PATH}?${range}${query}`, key)).body;
        t.match(
          data,
          {
            calls: seconds.length,
            percentiles: { p50: at(50), p90: at(90), p95: at(95), p99: at(99) },
            min_seconds: seconds[0],
            max_seconds: seconds.at(-1),
          },
          query,
        );
      }
      const range = 'start_date=2026-03-20T07:00Z&end_date=2026-03-28T03:30Z';
      const { data } = (await get(`${PATH}?${range}`, key)).body;
      const dashboard = (await get(`/analytics/dashboard?${range}`, key)).body.data;
      t.equal(data.calls, dashboard.total_calls);
      t.equal(Math.round(data.duration_ms / 600) / 100, dashboard.total_duration_minutes);
      t.strictSame(data.date_range, dashboard.date_range);
    },
  );

  await t.test('without calls, seconds are null and the intervals are there', async (t) => {
    const { status, body } = await get(`${PATH}?start_date=2020-01-01&end_date=2020-01-02`, key);
    t.equal(status, 200);
    const none = { p50: null, p90: null, p95: null, p99: null };
    t.match(body.data, { calls: 0, duration_ms: 0, percentiles: none, min_seconds: null, max_seconds: null });
    t.equal(body.data.histogram.length, 10);
    t.strictSame(body.data.date_range, {
      start_date: '2020-01-01T00:00:00Z',
      end_date: '2020-01-02T23:59:59Z',
    });
  });

  await t.test('HEAD gives the headers', async (t) => {
    const { statusCode, headers, body } = await app.inject({
      method: 'HEAD',
      url: PATH,
      headers: { authorization: `Bearer ${key}` },
    });
    t.equal(statusCode, 200);
    t.equal(headers['x-tally-source'], 'mongo');
    t.equal(body, '');
  });

  await t.test('what cannot be used is refused by name', async (t) => {
    for (const [query, status, code, message] of [
      ['start_date=x', 400, 'INVALID_DATE', /start_date/],
      ['from=2026-03-01', 400, 'INVALID_PARAMETER', /start_date/],
      ['agent=maria', 400, 'INVALID_PARAMETER', /agent_id/],
      ['start_date=2026-03-02&end_date=2026-03-01', 400, 'START_AFTER_END', /start_date/],
      ['user_id=u-other', 401, 'OTHER_USER', /user/],
    ] as const) {
      const answer = await get(`${PATH}?${query}`, key);
      t.match(answer, { status, body: { success: false, error: { code }, message } }, query);
      t.equal(answer.headers['x-tally-source'], undefined);
    }
  });

  await t.test('a range with too many calls is refused, with the number and the remedy', async (t) => {
    const { get } = await testApi(t, world, { durationsCallsMax: 100 });
    t.match(await get(`${PATH}?start_date=2026-03-01`, key), {
      status: 400,
      body: {
        success: false,
        error: { code: 'TOO_MANY_CALLS' },
        message: /has 342 calls; at most 100 .* Shorten the range/,
      },
    });
    t.equal((await get(`${PATH}?start_date=2026-03-27`, key)).status, 200, 'a shorter range is answered');
  });

  await t.test('Redis away: answered; Mongo away: 503', async (t) => {
    await world.redisGate.cut();
    await untilRedisIsMissed({ get });
    const { status, body } = await get(`${PATH}?start_date=2026-03-01`, key);
    t.equal(status, 200);
    t.equal(body.data.calls, 342);
    await world.mongoGate.cut();
    t.match(await get(PATH, key), { status: 503, body: { error: { code: 'UNAVAILABLE' } } });
  });
});
