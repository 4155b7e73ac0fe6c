import { test } from 'tap';
import { listen } from '../stream/support.ts';
import { callsAt, testApi, testWorld, until } from '../support.ts';

const at = (text: string) => Date.parse(text);
/** In Berlin it is Sunday the 29th already, and clocks change in an hour. */
const NOW_MS = at('2026-03-28T23:30:00Z');
const BERLIN = 'time_zone=Europe/Berlin';

test('time zones', async (t) => {
  const world = await testWorld(t);
  const starts = [
    ...['2026-02-28T22:59:59.999Z', '2026-02-28T23:00Z', '2026-03-22T23:00Z', '2026-03-28T22:59:59.999Z'],
    ...['2026-03-28T23:00Z', '2026-03-28T23:10Z', '2026-03-28T23:29Z'],
  ];
  await world.count(callsAt('u', starts.map(at), 7_000));
  const key = await world.keyOf('u');
  const api = await testApi(t, world, { now: { ms: NOW_MS } });
  // Mongo may still be too busy to answer in time.
  const get = (path: string) =>
    until(
      () => api.get(`/analytics/${path}`, key),
      ({ status }) => status !== 503,
    );
  type Bucket = { start: string; calls: number; duration_ms: number };
  const linesOf = (body: { data: { buckets: Bucket[] } }) =>
    body.data.buckets.filter(({ calls }) => calls > 0).map(({ start, calls }) => `${start} ${calls}`);

  await t.test('a dashboard’s current day, week and month, and its default window, are local', async (t) => {
    const { status, body } = await get(`dashboard?${BERLIN}`);
    t.equal(status, 200);
    t.match(body.data, { total_calls: 7, calls_today: 3, calls_this_week: 5, calls_this_month: 6 });
    t.strictSame(body.data.date_range, {
      start_date: '2026-02-27T00:00:00+01:00',
      end_date: '2026-03-29T00:30:00+01:00',
    });
    t.equal(body.data.time_zone, 'Europe/Berlin');
    const utc = await get('dashboard');
    t.match(utc.body.data, { calls_today: 4, calls_this_week: 4, calls_this_month: 5 });
    t.notOk('time_zone' in utc.body.data);
    const named = await get('dashboard?time_zone=utc');
    t.strictSame(named.body.data, { ...utc.body.data, time_zone: 'UTC' });
    t.equal(named.headers['x-tally-source'], 'counters');
  });

  await t.test('buckets are local days, weeks and months, and add up to the dashboard', async (t) => {
    const range = `${BERLIN}&start_date=2026-02-28&end_date=2026-03-29`;
    const series = async (interval: string) => (await get(`timeseries?${range}&interval=${interval}`)).body;
    t.strictSame(linesOf(await series('day')), [
      '2026-02-28 1',
      '2026-03-01 1',
      '2026-03-23 1',
      '2026-03-28 1',
      '2026-03-29 3',
    ]);
    t.strictSame(linesOf(await series('week')), ['2026-02-23 2', '2026-03-23 5']);
    t.strictSame(linesOf(await series('month')), ['2026-02-01 1', '2026-03-01 6']);
    const dashboard = await get(`dashboard?${range}`);
    for (const interval of ['day', 'week', 'month', 'hour']) {
      const { data } = await series(interval);
      const calls = data.buckets.reduce((sum: number, bucket: Bucket) => sum + bucket.calls, 0);
      t.equal(calls, dashboard.body.data.total_calls, interval);
      t.equal(data.time_zone, 'Europe/Berlin');
      t.strictSame(data.date_range, dashboard.body.data.date_range);
    }
  });

  await t.test('hours are shown with their offsets, and one that clocks skip is not there', async (t) => {
    const day = `${BERLIN}&start_date=2026-03-29&end_date=2026-03-29&interval=hour`;
    const { body } = await get(`timeseries?${day}`);
    t.equal(body.data.buckets.length, 23);
    t.strictSame(
      body.data.buckets.slice(0, 3).map(({ start, calls }: Bucket) => `${start} ${calls}`),
      ['2026-03-29T00:00:00+01:00 3', '2026-03-29T01:00:00+01:00 0', '2026-03-29T03:00:00+02:00 0'],
    );
    const utc = await get('timeseries?start_date=2026-03-28&end_date=2026-03-28&interval=hour');
    t.equal(utc.body.data.buckets.length, 24);
    t.strictSame(linesOf(utc.body), ['2026-03-28T22:00:00Z 1', '2026-03-28T23:00:00Z 3']);
    t.notOk('time_zone' in utc.body.data);
  });

  await t.test('CSV has the same hours, and its name the local days', async (t) => {
    const day = `${BERLIN}&start_date=2026-03-29&end_date=2026-03-29&interval=hour`;
    const { body, headers } = await get(`timeseries?${day}&format=csv`);
    t.match(body, /\r\n2026-03-29T00:00:00\+01:00,3,3000,0\.05,0\.02\r\n/);
    t.match(String(headers['content-disposition']), 'calltally-hour-2026-03-29-to-2026-03-29.csv');
  });

  await t.test('breakdown, durations and filters take the same local range', async (t) => {
    const range = `${BERLIN}&start_date=2026-03-29&end_date=2026-03-29`;
    const breakdown = (await get(`breakdown?${range}&by=status`)).body.data;
    t.match(breakdown, { groups: [{ status: null, calls: 3 }], time_zone: 'Europe/Berlin' });
    const durations = (await get(`durations?${range}`)).body.data;
    t.match(durations, { calls: 3, time_zone: 'Europe/Berlin' });
    const filtered = (await get(`dashboard?${range}&status=`)).body.data;
    t.match(filtered, { total_calls: 3, calls_today: 3, calls_this_week: 5, calls_this_month: 6 });
    t.strictSame(linesOf((await get(`timeseries?${range}&status=&interval=hour`)).body), [
      '2026-03-29T00:00:00+01:00 3',
    ]);
  });

  await t.test('periods, and the range before, are local', async (t) => {
    const yesterday = (await get(`dashboard?${BERLIN}&period=yesterday&compare=previous`)).body.data;
    t.match(yesterday, { total_calls: 1, previous: { total_calls: 0 } });
    t.strictSame(yesterday.previous.date_range, {
      start_date: '2026-03-27T00:00:00+01:00',
      end_date: '2026-03-27T23:59:59+01:00',
    });
    t.notOk('time_zone' in yesterday.previous, 'the zone is told once');
    const lastMonth = (await get(`dashboard?${BERLIN}&period=last_month`)).body.data;
    t.match(lastMonth, { total_calls: 1, date_range: { start_date: '2026-02-01T00:00:00+01:00' } });
    const thisMonth = `${BERLIN}&period=this_month&compare=previous`;
    t.match((await get(`dashboard?${thisMonth}`)).body.data, {
      total_calls: 6,
      previous: { total_calls: 1 },
    });
    for (const [interval, now, before] of [
      ['hour', 3, 0],
      ['day', 3, 0],
    ] as const) {
      const { data } = (await get(`timeseries?${BERLIN}&period=today&compare=previous&interval=${interval}`))
        .body;
      t.strictSame([data.buckets.at(-1).calls, data.previous.buckets.at(-1).calls], [now, before], interval);
    }
    const { data } = (await get(`timeseries?${thisMonth}&interval=week`)).body;
    t.strictSame(linesOf({ data }), ['2026-02-23 1', '2026-03-23 5']);
    t.strictSame(linesOf({ data: data.previous }), ['2026-02-23 1']);
  });

  await t.test('a stream sends the figures of its zone', async (t) => {
    const stream = await listen(t, api, key, { query: BERLIN });
    await stream.when(({ events }) => events.length > 0);
    t.strictSame(stream.dashboards[0], (await get(`dashboard?${BERLIN}`)).body.data);
    const utc = await listen(t, api, key);
    await utc.when(({ events }) => events.length > 0);
    t.equal(utc.dashboards[0].calls_today, 4);
    stream.close();
    utc.close();
  });

  await t.test('what is no zone, is written twice or misspelt is refused with what helps', async (t) => {
    const refusals: [query: string, message: RegExp][] = [
      [
        'time_zone=Europe/Berln',
        /time_zone "Europe\/Berln" is no time zone here\. Did you mean Europe\/Berlin/,
      ],
      ['time_zone=Berlin', /Did you mean Europe\/Berlin/],
      ['time_zone=', /time_zone "" is no time zone here\. Write a name as IANA does/],
      ['time_zone=%2B02:00', /Write a name as IANA does/],
      ['time_zone=UTC&time_zone=UTC', /time_zone is given more than once\. Give it once\./],
      ['timezone=Europe/Berlin', /Write time_zone/],
      ['tz=Europe/Berlin', /Write time_zone/],
    ];
    for (const route of ['dashboard', 'timeseries', 'breakdown', 'durations', 'stream']) {
      for (const [query, message] of refusals) {
        const { status, body } = await get(
          `${route}?by=agent&${query}`.replace(/^(?!breakdown)(\w+)\?by=agent&/, '$1?'),
        );
        t.equal(status, 400, `${route} ${query}`);
        t.equal(body.error.code, 'INVALID_PARAMETER');
        t.match(body.message, message);
      }
    }
    const { body } = await get('timeseries?start_date=2026-01-01&end_date=2026-03-01&interval=hour');
    t.equal(body.error.code, 'TOO_MANY_BUCKETS');
    t.match(body.message, /interval=hour would give 1440 buckets; at most 1000 .* Use interval=day/);
  });
});
