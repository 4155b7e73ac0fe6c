import { readFileSync } from 'node:fs';
import { INTERVALS } from '@calltally/domain';
import { type Test, test } from 'tap';
import { DAY_MS, NOON_MS, recentCalls } from '../labelled.ts';
import { callsAt, exampleCalls, testApi, testWorld, until, untilRedisIsMissed } from '../support.ts';

/** A minute after noon: ranges that end now cut a day of the range before. */
const NOW_MS = NOON_MS + 60_000;
const date = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const RANGES = [
  '',
  ...[
    'today',
    'yesterday',
    '7d',
    '30d',
    'this_week',
    'last_week',
    'this_month',
    'last_month',
    'last_year',
  ].map((period) => `period=${period}`),
  `start_date=${date(NOW_MS - 20 * DAY_MS)}&end_date=${date(NOW_MS - 11 * DAY_MS)}`,
  `start_date=${date(NOW_MS - 9 * DAY_MS)}T18:00:00.5Z&end_date=${date(NOW_MS - 3 * DAY_MS)}T06:00:01Z`,
];
const FILTERS = ['', 'agent_id=booking&agent_id=', 'status=failed&direction=inbound'];

interface DateRange {
  start_date: string;
  end_date: string;
}

test('compare=previous adds the range before, as its own dates would be answered', async (t) => {
  const world = await testWorld(t);
  await world.count([...recentCalls('u', 400, 100), ...callsAt('another', [NOW_MS - 5], 7)]);
  const key = await world.keyOf('u');
  const { get, app } = await testApi(t, world, { now: { ms: NOW_MS } });
  const join = (...parts: string[]) => parts.filter((part) => part !== '').join('&');
  const ofDates = ({ start_date, end_date }: DateRange) => `start_date=${start_date}&end_date=${end_date}`;

  const all = async (t: Test, sources: Set<string>) => {
    let turn = 0;
    for (const range of RANGES) {
      for (const filter of FILTERS) {
        const query = join(range, filter);
        const dashboard = await get(`/analytics/dashboard?${join(query, 'compare=previous')}`, key);
        t.equal(dashboard.status, 200, query);
        sources.add(String(dashboard.headers['x-tally-source']));
        const { previous, ...data } = dashboard.body.data;
        t.strictSame(data, (await get(`/analytics/dashboard?${query}`, key)).body.data, query);
        const own = await get(`/analytics/dashboard?${join(ofDates(previous.date_range), filter)}`, key);
        const { calls_today, calls_this_week, calls_this_month, ...totals } = own.body.data;
        t.strictSame(previous, totals, query);

        const interval = INTERVALS[turn++ % INTERVALS.length];
        const path = '/analytics/timeseries?';
        const asked = join(filter, `interval=${interval}`);
        const { body } = await get(path + join(range, asked, 'compare=previous'), key);
        const { previous: before, ...series } = body.data;
        t.strictSame(series, (await get(path + join(range, asked), key)).body.data, query);
        t.strictSame(before.date_range, previous.date_range, query);
        const { body: other } = await get(path + join(ofDates(before.date_range), asked), key);
        t.strictSame({ interval, ...before }, other.data, `${query} ${interval}`);
      }
    }
  };

  await t.test('from counters, and with rows for days that are cut', async (t) => {
    const sources = new Set<string>();
    await all(t, sources);
    t.strictSame([...sources].sort(), ['counters', 'counters+mongo']);
  });

  await t.test('the range before is not empty, and ends where the other begins', async (t) => {
    const { body } = await get('/analytics/dashboard?period=last_week&compare=previous', key);
    t.equal(body.data.previous.total_calls, 28);
    const { date_range, previous } = body.data;
    t.equal(Date.parse(date_range.start_date), Date.parse(previous.date_range.end_date) + 1_000);
  });

  await t.test('the documented example is answered field for field', async (t) => {
    await world.count(exampleCalls('u-342'));
    const page = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('### The range before'));
    const [url] = /\/analytics\/dashboard\?[^']+/.exec(section) ?? [''];
    const [, json] = /```json\n(.*?)```/s.exec(section) ?? [];
    const { body } = await get(url, await world.keyOf('u-342'));
    t.strictSame(body.data.previous, JSON.parse(json ?? ''));
  });

  await t.test('HEAD works too', async (t) => {
    const { statusCode, body } = await app.inject({
      method: 'HEAD',
      url: '/analytics/dashboard?compare=previous',
      headers: { authorization: `Bearer ${key}` },
    });
    t.strictSame([statusCode, body], [200, '']);
  });

  await t.test('what cannot be used is refused', async (t) => {
    const cases: [path: string, message: RegExp, code?: string][] = [
      ['dashboard?compare=last', /compare "last" is none of previous/],
      ['dashboard?compare=', /compare "" is none of previous/],
      ['dashboard?compare=previous&compare=previous', /compare is given more than once/],
      ['dashboard?compare_to=previous', /"compare_to" is no parameter here\. Write compare/],
      ['dashboard?compare=previous&start_date=0001-01-01', /before the year 0001\. Give a later start_date/],
      ['timeseries?compare=previous&start_date=0001-01-01&interval=month&end_date=0002-01-01', /year 0001/],
      ['timeseries?compare=previous&format=csv', /compare=previous is for JSON.*Add format=json/],
      [
        `timeseries?compare=previous&start_date=2020-01-01T06:00Z&end_date=2022-09-26&interval=day`,
        /1001 buckets/,
        'TOO_MANY_BUCKETS',
      ],
    ];
    for (const [path, message, code = 'INVALID_PARAMETER'] of cases) {
      t.match(
        await get(`/analytics/${path}`, key),
        { status: 400, body: { message, error: { code } } },
        path,
      );
    }
    const { statusCode } = await app.inject({
      url: '/analytics/timeseries?compare=previous',
      headers: { authorization: `Bearer ${key}`, accept: 'text/csv' },
    });
    t.equal(statusCode, 400);
  });

  await t.test('from Mongo alone', async (t) => {
    await world.redisGate.cut();
    await untilRedisIsMissed({ get });
    const isFromMongo = ({ headers }: { headers: Record<string, unknown> }) =>
      headers['x-tally-source'] === 'mongo';
    await until(() => get('/analytics/dashboard', key), isFromMongo);
    const sources = new Set<string>();
    await all(t, sources);
    t.strictSame([...sources], ['mongo']);
  });
});
