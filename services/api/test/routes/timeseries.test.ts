import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { test } from 'tap';
import { callsAt, exampleCalls, NOW_MS, testApi, testWorld, until, untilRedisIsMissed } from '../support.ts';

const DAY_MS = 86_400_000;
const RANGE = 'start_date=2026-03-01T00:00:00Z&end_date=2026-03-28T23:59:59Z';
const PATH = '/analytics/timeseries';

interface Bucket {
  start: string;
  calls: number;
  duration_ms: number;
  duration_minutes: number;
  avg_duration_minutes: number;
}

/** What a CSV says, by a reader of its own. */
function parsed(csv: string) {
  const lines = csv.split('\r\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  const names = lines.shift()!.split(',');
  return lines.map((line) =>
    Object.fromEntries(
      line.split(',').map((cell, i) => [names[i], names[i] === 'start' ? cell : JSON.parse(cell)]),
    ),
  );
}

test('GET /analytics/timeseries', async (t) => {
  const world = await testWorld(t);
  const calls = exampleCalls('u-342');
  await world.count([...calls, ...callsAt('u-other', [NOW_MS, NOW_MS - 1], 7)]);
  const key = await world.keyOf('u-342');
  const { app, get } = await testApi(t, world);
  const ask = (query: string, headers = {}) =>
    app.inject({ url: `${PATH}?${query}`, headers: { authorization: `Bearer ${key}`, ...headers } });
  const bucketsOf = (body: { data: { buckets: Bucket[] } }) => body.data.buckets;

  await t.test('the documented example is answered field for field, from counters', async (t) => {
    const page = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('## GET /analytics/timeseries'));
    const [url] = /\/analytics\/timeseries\?[^']+/.exec(section) ?? [''];
    const [json, csv] = ['json', 'csv'].map(
      (kind) => new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 's').exec(section)?.[1],
    );
    const { status, headers, body } = await get(url, key);
    t.equal(status, 200);
    t.strictSame(body, JSON.parse(json ?? ''));
    t.equal(headers['x-tally-source'], 'counters');
    const answer = await get(`${url}&format=csv`, key);
    t.equal(answer.body, csv?.replaceAll('\n', '\r\n'));
    t.match(section, String(answer.headers['content-disposition']).split('"')[1]);
  });

  await t.test('without parameters it is the default window by day, empty days too', async (t) => {
    const { headers, body } = await get(PATH, key);
    t.equal(body.data.interval, 'day');
    t.strictSame(body.data.date_range, {
      start_date: '2026-02-26T00:00:00Z',
      end_date: '2026-03-28T12:00:00Z',
    });
    t.strictSame(
      bucketsOf(body).map(({ start }) => start),
      Array.from({ length: 31 }, (_, i) => new Date(NOW_MS - (30 - i) * DAY_MS).toISOString().slice(0, 10)),
    );
    t.strictSame(bucketsOf(body)[0], {
      start: '2026-02-26',
      calls: 0,
      duration_ms: 0,
      duration_minutes: 0,
      avg_duration_minutes: 0,
    });
    t.equal(bucketsOf(body).at(-1)?.calls, 8);
    t.equal(headers['x-tally-source'], 'counters');
  });

  await t.test('its sums are those of the dashboard for the same range, to the last call', async (t) => {
    const ranges = [
      '',
      RANGE,
      'start_date=2026-03-01T18:00:01Z&end_date=2026-03-27T06:30:00.250Z',
      'start_date=2026-03-10T09:00Z&end_date=2026-03-10T15:00Z',
      'start_date=2024-02-10T11:00Z',
      'start_date=2026-03-28T12:00:00.001Z&end_date=2027-01-31',
    ];
    for (const range of ranges) {
      const dashboard = await get(`/analytics/dashboard?${range}`, key);
      for (const interval of ['day', 'week', 'month']) {
        const { status, headers, body } = await get(`${PATH}?${range}&interval=${interval}`, key);
        t.equal(status, 200);
        const sum = (field: 'calls' | 'duration_ms') =>
          bucketsOf(body).reduce((total, bucket) => total + bucket[field], 0);
        const what = `${range} ${interval}`;
        t.equal(sum('calls'), dashboard.body.data.total_calls, what);
        t.equal(Math.round(sum('duration_ms') / 600) / 100, dashboard.body.data.total_duration_minutes, what);
        t.strictSame(body.data.date_range, dashboard.body.data.date_range, what);
        t.equal(headers['x-tally-source'], dashboard.headers['x-tally-source'], what);
      }
    }
  });

  await t.test('headers tell how it was answered', async (t) => {
    const { headers } = await get(`${PATH}?${RANGE}`, key);
    t.equal(headers['cache-control'], 'private, no-store');
    t.equal(headers.vary, 'Accept, accept-encoding');
    t.match(headers['server-timing'], /^auth;dur=[\d.]+, read;dur=[\d.]+$/);
    t.match(headers['content-type'], /^application\/json/);
    t.ok(Date.parse(String(headers['x-tally-as-of'])) <= Date.now());
  });

  await t.test('CSV has the same figures as JSON', async (t) => {
    for (const interval of ['day', 'week', 'month']) {
      const query = `interval=${interval}&${RANGE}`;
      const csv = await ask(`${query}&format=csv`);
      t.equal(csv.statusCode, 200);
      t.equal(csv.headers['content-type'], 'text/csv; charset=utf-8; header=present');
      t.equal(
        csv.headers['content-disposition'],
        `attachment; filename="calltally-${interval}-2026-03-01-to-2026-03-28.csv"`,
      );
      t.equal(csv.headers.vary, 'Accept, accept-encoding');
      t.equal(csv.headers['x-tally-source'], 'counters');
      t.match(csv.body, /^start,calls,duration_ms,duration_minutes,avg_duration_minutes\r\n/);
      t.strictSame(parsed(csv.body), bucketsOf((await ask(query)).json()));
    }
  });

  await t.test('a CSV can follow the conventions of a country', async (t) => {
    const query = `interval=week&${RANGE}&format=csv`;
    const plain = (await ask(query)).body;
    const german = plain.replaceAll(',', ';').replaceAll('.', ',');
    const written: [parameters: string, csv: string][] = [
      ['', plain],
      ['&separator=comma', plain],
      ['&decimal=point', plain],
      ['&separator=semicolon', plain.replaceAll(',', ';')],
      ['&separator=tab', plain.replaceAll(',', '\t')],
      ['&decimal=comma', german],
      ['&decimal=comma&separator=semicolon', german],
      ['&separator=tab&decimal=comma', plain.replaceAll(',', '\t').replaceAll('.', ',')],
    ];
    t.match(german, /\r\n2026-03-02;94;25079082;417,98;4,45\r\n/, 'dates stay as they are');
    for (const [parameters, csv] of written) {
      const answer = await ask(`${query}${parameters}`);
      t.equal(answer.body, csv, parameters);
      t.equal(answer.headers['content-type'], 'text/csv; charset=utf-8; header=present');
    }
    const json = await ask(`interval=week&${RANGE}&decimal=comma`);
    t.strictSame(json.json(), (await ask(`interval=week&${RANGE}`)).json(), 'JSON stays what it is');
  });

  await t.test('a long series is compressed on request, without change', async (t) => {
    const long = 'start_date=2024-01-01&end_date=2026-03-28';
    const plain = await ask(long);
    t.ok(plain.rawPayload.length > 60_000, `${plain.rawPayload.length} bytes`);
    t.equal(plain.headers['content-encoding'], undefined);
    for (const format of ['json', 'csv']) {
      const text = (await ask(`${long}&format=${format}`)).body;
      for (const [accepted, encoding, open] of [
        ['gzip', 'gzip', gunzipSync],
        ['br', 'br', brotliDecompressSync],
        ['gzip, deflate, br', 'br', brotliDecompressSync],
        ['gzip;q=1, br;q=0.5', 'gzip', gunzipSync],
        ['*', 'gzip', gunzipSync],
      ] as const) {
        const packed = await ask(`${long}&format=${format}`, { 'accept-encoding': accepted });
        t.equal(packed.headers['content-encoding'], encoding, `${format} ${accepted}`);
        t.equal(packed.headers.vary, 'Accept, accept-encoding');
        t.equal(open(packed.rawPayload).toString(), text);
        t.ok(
          packed.rawPayload.length * 5 < text.length,
          `${packed.rawPayload.length} of ${text.length} bytes`,
        );
      }
      for (const accepted of ['identity', 'zstd', 'gzip;q=0', '']) {
        const answer = await ask(`${long}&format=${format}`, { 'accept-encoding': accepted });
        t.equal(answer.headers['content-encoding'], undefined, accepted);
        t.equal(answer.body, text);
      }
    }
    const short = await ask('interval=month', { 'accept-encoding': 'gzip, br' });
    t.equal(short.headers['content-encoding'], undefined, 'what is short is not');
    const dashboard = await app.inject({
      url: '/analytics/dashboard',
      headers: { authorization: `Bearer ${key}`, 'accept-encoding': 'gzip, br' },
    });
    t.equal(dashboard.headers['content-encoding'], undefined);
    const head = await app.inject({
      method: 'HEAD',
      url: `${PATH}?${long}`,
      headers: { authorization: `Bearer ${key}`, 'accept-encoding': 'br' },
    });
    t.strictSame([head.statusCode, head.body], [200, '']);
  });

  await t.test('format takes precedence over Accept, and Accept counts by q-values', async (t) => {
    const cases: [format: string, accept: string | undefined, type: 'json' | 'csv'][] = [
      ['', undefined, 'json'],
      ['', '*/*', 'json'],
      ['', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'json'],
      ['', 'text/csv', 'csv'],
      ['', 'TEXT/CSV', 'csv'],
      ['', 'text/*', 'csv'],
      ['', 'text/csv, */*', 'csv'],
      ['', 'text/csv; header=present', 'csv'],
      ['', 'text/csv; header=absent', 'json'],
      ['', 'application/json, text/csv', 'json'],
      ['', 'application/json;q=0.5, text/csv;q=0.6', 'csv'],
      ['', 'application/json;q=0.6, text/csv;q=0.5', 'json'],
      ['', 'text/csv;q=0, */*;q=0.1', 'json'],
      ['', 'application/json;q=0, */*', 'csv'],
      ['', 'image/png', 'json'],
      ['', ',;q=;=/', 'json'],
      ['json', 'text/csv', 'json'],
      ['csv', 'application/json', 'csv'],
    ];
    for (const [format, accept, type] of cases) {
      const query = format === '' ? RANGE : `${RANGE}&format=${format}`;
      const { statusCode, headers } = await ask(query, accept === undefined ? {} : { accept });
      t.equal(statusCode, 200);
      t.match(headers['content-type'], type, `${format} ${accept}`);
    }
  });

  await t.test('HEAD answers the same headers without a body', async (t) => {
    for (const accept of ['application/json', 'text/csv']) {
      const headers = { authorization: `Bearer ${key}`, accept };
      const response = await app.inject({ method: 'HEAD', url: `${PATH}?${RANGE}`, headers });
      t.equal(response.statusCode, 200);
      t.match(response.headers['content-type'], accept);
      t.equal(response.headers['x-tally-source'], 'counters');
      t.equal(response.body, '');
    }
  });

  await t.test('a key opens its own user’s series and no other', async (t) => {
    const other = await world.keyOf('u-other');
    const { body } = await get(`${PATH}?interval=month`, other);
    t.equal(
      bucketsOf(body).reduce((sum, { calls }) => sum + calls, 0),
      2,
    );
    t.match(await get(`${PATH}?user_id=u-342`, other), {
      status: 401,
      body: { error: { code: 'OTHER_USER' } },
    });
    t.match(await get(PATH), { status: 401, body: { error: { code: 'MISSING_API_KEY' } } });
    t.equal((await get(`${PATH}?user_id=u-342&_=1&_=2`, key)).status, 200);
  });

  await t.test(
    'a thousand buckets are answered, one more is refused with the interval that fits',
    async (t) => {
      const from = Date.UTC(2023, 6, 3);
      const to = (days: number) =>
        `start_date=2023-07-03&end_date=${new Date(from + (days - 1) * DAY_MS).toISOString().slice(0, 10)}`;
      t.equal(bucketsOf((await get(`${PATH}?${to(1_000)}`, key)).body).length, 1_000);
      for (const format of ['json', 'csv']) {
        const { status, headers, body } = await get(`${PATH}?${to(1_001)}&format=${format}`, key);
        t.equal(status, 400);
        t.equal(body.error.code, 'TOO_MANY_BUCKETS');
        t.match(body.message, /1001.*1000.*interval=week/);
        t.match(headers['content-type'], /^application\/json/);
      }
      const all = await get(`${PATH}?start_date=0001-01-01&end_date=9999-12-31`, key);
      t.match(all, {
        status: 400,
        body: { error: { code: 'TOO_MANY_BUCKETS' }, message: /3652059.*Shorten/ },
      });
    },
  );
});

test('an invalid parameter is refused with its name, its value and the allowed values', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get, lines } = await testApi(t, world);
  const cases: [query: string, code: string, says: RegExp][] = [
    ['interval=year', 'INVALID_PARAMETER', /^interval "year" .*day, week, month/],
    ['interval=', 'INVALID_PARAMETER', /^interval "" /],
    ['interval=Day', 'INVALID_PARAMETER', /^interval "Day" /],
    ['interval=day&interval=week', 'INVALID_PARAMETER', /^interval is given more than once/],
    [`interval=${'x'.repeat(500)}`, 'INVALID_PARAMETER', /^interval "x{40}…" /],
    [`interval=${key}`, 'INVALID_PARAMETER', /^interval "ct_\*\*\*" /],
    [`interval=${'x'.repeat(30)}${key}`, 'INVALID_PARAMETER', /^interval "x{30}ct_\*\*\*" /],
    ['interval=%22%0A', 'INVALID_PARAMETER', /^interval "\\"\\n" /],
    ['format=xlsx', 'INVALID_PARAMETER', /^format "xlsx" .*json, csv/],
    ['separator=pipe', 'INVALID_PARAMETER', /^separator "pipe" .*comma, semicolon, tab/],
    ['separator=;', 'INVALID_PARAMETER', /^separator ";" /],
    ['decimal=,', 'INVALID_PARAMETER', /^decimal "," .*point, comma/],
    ['decimal=', 'INVALID_PARAMETER', /^decimal "" /],
    [
      'format=csv&separator=comma&decimal=comma',
      'INVALID_PARAMETER',
      /^decimal and separator are both comma\. Use/,
    ],
    ['separator=tab&separator=tab', 'INVALID_PARAMETER', /^separator is given more than once/],
    ['delimiter=tab', 'INVALID_PARAMETER', /"delimiter" .*Write separator/],
    ['format=csv&format=csv', 'INVALID_PARAMETER', /^format is given more than once/],
    ['start_date=yesterday', 'INVALID_DATE', /^start_date/],
    ['end_date=2026-02-30&format=csv', 'INVALID_DATE', /^end_date/],
    ['end_date=2026-03-01&end_date=2026-03-01', 'INVALID_DATE', /^end_date is given more than once/],
    ['start_date=2026-03-02&end_date=2026-03-01', 'START_AFTER_END', /^start_date/],
    ['user_id=u&user_id=v', 'INVALID_PARAMETER', /^user_id is given more than once/],
  ];
  for (const [query, code, says] of cases) {
    const { status, headers, body } = await get(`${PATH}?${query}`, key);
    t.equal(status, 400, query);
    t.strictSame(Object.keys(body), ['success', 'message', 'error'], query);
    t.equal(body.error.code, code, query);
    t.match(body.message, says, query);
    t.match(headers['content-type'], /^application\/json/, query);
  }
  t.notMatch(lines.join(''), key.slice(0, 20), 'no key in the log');
});

test('with a store away a series is answered from the other one, with both away it is 503', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const { get } = await testApi(t, world);
  const usual = await get(`${PATH}?${RANGE}`, key);
  const cut = `${PATH}?start_date=2026-03-01T00:00:01Z`;
  t.equal(usual.headers['x-tally-source'], 'counters');
  await world.mongoGate.cut();
  t.strictSame((await get(`${PATH}?${RANGE}`, key)).body, usual.body);
  t.match(await get(cut, key), { status: 503, body: { error: { code: 'UNAVAILABLE' } } });
  await world.mongoGate.open();
  await world.redisGate.cut();
  await untilRedisIsMissed({ get });
  // On a busy machine Mongo may need a moment to be back.
  const fromRows = await until(
    () => get(`${PATH}?${RANGE}`, key),
    ({ status }) => status !== 503,
  );
  t.strictSame(fromRows.body, usual.body);
  t.equal(fromRows.headers['x-tally-source'], 'mongo');
  await world.mongoGate.cut();
  const { status, headers, body } = await get(`${PATH}?format=csv`, key);
  t.equal(status, 503);
  t.equal(headers['retry-after'], '1');
  t.match(headers['content-type'], /^application\/json/);
  t.equal(body.error.code, 'UNAVAILABLE');
});
