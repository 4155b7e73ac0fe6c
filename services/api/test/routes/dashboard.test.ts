import { test } from 'tap';
import { callsAt, exampleCalls, NOW_MS, testApi, testWorld } from '../support.ts';

const EXAMPLE = '/analytics/dashboard?start_date=2026-03-01T00:00:00Z&end_date=2026-03-28T23:59:59Z';
const FIGURES = {
  total_calls: 342,
  total_duration_minutes: 1520.75,
  total_duration_hours: 25.35,
  avg_duration_minutes: 4.45,
  calls_today: 8,
  calls_this_week: 45,
  calls_this_month: 342,
};

test('GET /analytics/dashboard', async (t) => {
  const world = await testWorld(t);
  await world.count([...exampleCalls('u-342'), ...callsAt('u-other', [NOW_MS, NOW_MS - 1], 7)]);
  const key = await world.keyOf('u-342');
  const { app, get } = await testApi(t, world);

  await t.test('the documented example is answered field for field, from counters', async (t) => {
    const { status, headers, body } = await get(EXAMPLE, key);
    t.equal(status, 200);
    t.strictSame(body, {
      success: true,
      message: 'Dashboard analytics fetched successfully',
      data: {
        ...FIGURES,
        date_range: { start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
      },
    });
    t.equal(headers['x-tally-source'], 'counters');
  });

  await t.test('without dates the range is the day of now and the 30 days before it', async (t) => {
    const { headers, body } = await get('/analytics/dashboard', key);
    t.same(body.data, {
      ...FIGURES,
      date_range: { start_date: '2026-02-26T00:00:00Z', end_date: '2026-03-28T12:00:00Z' },
    });
    t.equal(headers['x-tally-source'], 'counters');
  });

  await t.test('today, week and month do not depend on the range', async (t) => {
    const { body } = await get('/analytics/dashboard?start_date=2026-03-23&end_date=2026-03-27', key);
    t.match(body.data, { total_calls: 37, calls_today: 8, calls_this_week: 45, calls_this_month: 342 });
    const empty = await get('/analytics/dashboard?start_date=2025-01-01&end_date=2025-01-31', key);
    t.match(empty.body.data, { total_calls: 0, avg_duration_minutes: 0, calls_this_month: 342 });
  });

  await t.test('how it was answered stands in headers', async (t) => {
    const { headers } = await get(EXAMPLE, key);
    t.equal(headers['cache-control'], 'private, no-store');
    t.match(headers['server-timing'], /^auth;dur=[\d.]+, read;dur=[\d.]+$/);
    t.match(headers['content-type'], /^application\/json/);
    const asOf = String(headers['x-tally-as-of']);
    t.match(asOf, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/);
    t.ok(Date.parse(asOf) <= Date.now());
  });

  await t.test('a range that cuts days is read from both stores', async (t) => {
    const { headers, body } = await get(
      '/analytics/dashboard?start_date=2026-03-01T00:00:01Z&end_date=2026-03-28T23:59:59Z',
      key,
    );
    t.equal(headers['x-tally-source'], 'counters+mongo');
    t.equal(body.data.total_calls, 341);
  });

  await t.test('an offset counts, also where its + arrives as a space', async (t) => {
    for (const plus of ['%2B', '+']) {
      const { body } = await get(
        `/analytics/dashboard?start_date=2026-03-01T02:00:00${plus}02:00&end_date=2026-03-28`,
        key,
      );
      t.same(body.data.date_range, {
        start_date: '2026-03-01T00:00:00Z',
        end_date: '2026-03-28T23:59:59Z',
      });
    }
  });

  await t.test("one's own user_id and parameters that nobody knows change nothing", async (t) => {
    const { status, body } = await get(`${EXAMPLE}&user_id=u-342&_=1&_=2&utm_source=x`, key);
    t.equal(status, 200);
    t.match(body.data, FIGURES);
  });

  await t.test('HEAD answers the same headers without a body', async (t) => {
    const authorization = `Bearer ${key}`;
    const response = await app.inject({ method: 'HEAD', url: EXAMPLE, headers: { authorization } });
    t.equal(response.statusCode, 200);
    t.equal(response.headers['x-tally-source'], 'counters');
    t.equal(response.body, '');
  });
});

test('a date that cannot be used is refused with its name', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world);
  const cases: [query: string, parameter: string, code: string][] = [
    ['start_date=yesterday', 'start_date', 'INVALID_DATE'],
    ['start_date=', 'start_date', 'INVALID_DATE'],
    ['end_date=', 'end_date', 'INVALID_DATE'],
    ['start_date=2026-02-30', 'start_date', 'INVALID_DATE'],
    ['end_date=2026-03-28T24:00:01Z', 'end_date', 'INVALID_DATE'],
    ['end_date=2026-13-01', 'end_date', 'INVALID_DATE'],
    ['end_date=1711584000', 'end_date', 'INVALID_DATE'],
    ['end_date=28.03.2026', 'end_date', 'INVALID_DATE'],
    ['start_date=2026-03-01T00:00:00%2B99:00', 'start_date', 'INVALID_DATE'],
    ['start_date=%zz', 'start_date', 'INVALID_DATE'],
    ['start_date=%00', 'start_date', 'INVALID_DATE'],
    ['start_date=2026-03-02&end_date=2026-03-01', 'start_date', 'START_AFTER_END'],
    ['start_date=2027-01-01', 'start_date', 'START_AFTER_END'],
    ['start_date=2026-03-01&start_date=2026-03-02', 'start_date', 'INVALID_DATE'],
    ['end_date=2026-03-01&end_date=2026-03-01', 'end_date', 'INVALID_DATE'],
    ['user_id=u&user_id=v', 'user_id', 'INVALID_PARAMETER'],
  ];
  for (const [query, parameter, code] of cases) {
    const { status, body } = await get(`/analytics/dashboard?${query}`, key);
    t.equal(status, 400, query);
    t.strictSame(Object.keys(body), ['success', 'message', 'error'], query);
    t.equal(body.success, false, query);
    t.equal(body.error.code, code, query);
    t.match(body.message, parameter, query);
  }
});
