import { NAMED_PERIODS } from '@calltally/domain';
import { test } from 'tap';
import { listen } from '../stream/support.ts';
import { exampleCalls, NOW_MS, testApi, testWorld } from '../support.ts';

const ROUTES = ['dashboard?', 'timeseries?', 'breakdown?by=agent&', 'durations?'].map(
  (path) => `/analytics/${path}`,
);
/** At noon of Saturday, 28 March 2026. */
const MEANT: Record<string, [start: string, end: string]> = {
  today: ['2026-03-28T00:00:00Z', '2026-03-28T12:00:00Z'],
  yesterday: ['2026-03-27T00:00:00Z', '2026-03-27T23:59:59Z'],
  '7d': ['2026-03-22T00:00:00Z', '2026-03-28T12:00:00Z'],
  '30d': ['2026-02-27T00:00:00Z', '2026-03-28T12:00:00Z'],
  '90d': ['2025-12-29T00:00:00Z', '2026-03-28T12:00:00Z'],
  this_week: ['2026-03-23T00:00:00Z', '2026-03-28T12:00:00Z'],
  last_week: ['2026-03-16T00:00:00Z', '2026-03-22T23:59:59Z'],
  this_month: ['2026-03-01T00:00:00Z', '2026-03-28T12:00:00Z'],
  last_month: ['2026-02-01T00:00:00Z', '2026-02-28T23:59:59Z'],
  this_year: ['2026-01-01T00:00:00Z', '2026-03-28T12:00:00Z'],
  last_year: ['2025-01-01T00:00:00Z', '2025-12-31T23:59:59Z'],
};

test('period= stands for its dates on every route', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u'));
  const key = await world.keyOf('u');
  const now = { ms: NOW_MS };
  const api = await testApi(t, world, { now });
  const { get, app, lines } = api;

  t.strictSame(Object.keys(MEANT), [...NAMED_PERIODS]);
  for (const [period, [start_date, end_date]] of Object.entries(MEANT)) {
    for (const path of ROUTES) {
      const named = await get(`${path}period=${period}`, key);
      t.equal(named.status, 200, `${path} ${period}`);
      t.strictSame(named.body.data.date_range, { start_date, end_date }, period);
      const dated = await get(`${path}start_date=${start_date}&end_date=${end_date}`, key);
      t.strictSame(named.body, dated.body, `${path} ${period}`);
    }
  }

  await t.test('a stream moves with the clock, and one of another period is another', async (t) => {
    const [today, yesterday] = await Promise.all(
      ['today', 'yesterday'].map((period) => listen(t, api, key, { query: `period=${period}` })),
    );
    for (const stream of [today!, yesterday!]) await stream.when(({ dashboards }) => dashboards.length === 1);
    t.match(today!.dashboards[0], { total_calls: 8, date_range: { start_date: '2026-03-28T00:00:00Z' } });
    t.match(yesterday!.dashboards[0], { date_range: { start_date: '2026-03-27T00:00:00Z' } });
    now.ms += 86_400_000;
    for (const stream of [today!, yesterday!]) await stream.when(({ dashboards }) => dashboards.length === 2);
    t.match(today!.dashboards[1], { total_calls: 0, date_range: { start_date: '2026-03-29T00:00:00Z' } });
    t.match(yesterday!.dashboards[1], { total_calls: 8, date_range: { start_date: '2026-03-28T00:00:00Z' } });
    now.ms = NOW_MS;
  });

  await t.test('what cannot be used is refused: beside a date, twice, or by another name', async (t) => {
    const cases: [query: string, message: RegExp][] = [
      [
        'period=today&start_date=2026-03-01',
        /period and start_date are both given\. Give one or the other\./,
      ],
      ['period=today&end_date=2026-03-01', /period and end_date are both given\. Give one or the other\./],
      ['period=today&period=today', /period is given more than once\. Give it once\./],
      [
        'period=14d',
        /period "14d" is none of today, yesterday, 7d, .*, last_year\. Use one of these, or leave it out\./,
      ],
      ['period=', /period "" is none of today/],
      ['period=Today', /period "Today" is none of today/],
      ['peroid=today', /"peroid" is no parameter here\. Write period/],
    ];
    for (const path of [...ROUTES, '/analytics/stream?']) {
      for (const [query, message] of cases) {
        t.match(
          await get(path + query, key),
          { status: 400, body: { success: false, message, error: { code: 'INVALID_PARAMETER' } } },
          path + query,
        );
      }
    }
  });

  await t.test('the log has it', async (t) => {
    lines.length = 0;
    await app.inject({
      url: '/analytics/dashboard?period=7d&compare=previous',
      headers: { authorization: `Bearer ${key}` },
    });
    const [line] = lines
      .map((text) => JSON.parse(text))
      .filter(({ path }) => path === '/analytics/dashboard');
    t.match(line, { period: '7d', compare: 'previous' });
  });
});
