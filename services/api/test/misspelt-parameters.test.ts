import { test } from 'tap';
import { meantBy } from '../src/misspelt-parameters.ts';
import { BreakdownQuery } from '../src/schemas/breakdown.ts';
import { DashboardQuery } from '../src/schemas/dashboard.ts';
import { TimeseriesQuery } from '../src/schemas/timeseries.ts';
import { callsAt, NOW_MS, testApi, testWorld } from './support.ts';

const ofDashboard = Object.keys(DashboardQuery.properties);
const ofBreakdown = Object.keys(BreakdownQuery.properties);
const ofSeries = Object.keys(TimeseriesQuery.properties);
const PATHS = ['/analytics/dashboard', '/analytics/timeseries', '/analytics/breakdown', '/analytics/stream'];

test('which parameter a misspelt name means', async (t) => {
  const known: [meant: string, ...given: string[]][] = [
    [
      'start_date',
      ...[
        'startDate',
        'startDateTime',
        'start_timestamp',
        'start_date_utc',
        'period_start',
        'date_min',
        'created_after',
        'Start_Date',
        'START_DATE',
        'start-date',
        'startdate',
        'start',
        'from',
        'From',
        'since',
      ],
      ...[
        'start_date[]',
        'start_date[0]',
        'start_date[gte]',
        'filter[start_date]',
        '?start_date',
        ' start_date',
      ],
      ...[
        'stat_date',
        'strat_date',
        'start_dat',
        'start_dates',
        'statr_date',
        'amp;start_date',
        'date[from]',
      ],
      ...[
        'from_date',
        'fromDate',
        'start_time',
        'x-start-date',
        'begin',
        'after',
        'date_from',
        'query.start_date',
      ],
    ],
    [
      'end_date',
      ...['endDate', 'End_Date', 'end', 'to', 'until', 'end_date[]', 'amp;end_date', 'end_dat', 'edn_date'],
      ...['ende_date', 'date_to', 'toDate', 'before', 'till', 'date[to]', 'end_time'],
    ],
    ['user_id', ...['userId', 'user', 'userid', 'USER_ID', 'user_id[]', 'user-id', 'usr_id', 'uesr_id']],
    ['agent_id', ...['agent', 'agentId', 'agent_ids', 'agents', 'agent_id[]', 'agnet_id', 'assistant_id']],
    ['direction', ...['dir', 'Direction', 'directions', 'direcion', 'filter[direction]', 'call_type']],
    ['status', ...['state', 'Status', 'statuses', 'stauts', 'call_status', 'status[]', 'outcome']],
    ['start_date and end_date, or period', ...['date', 'day', 'range', 'date_range', 'dateRange', 'window']],
    ['period', ...['Period', 'periods', 'peroid', 'period[]']],
    ['compare', ...['compare_to', 'compareTo', 'comparison', 'previous', 'compair', 'vs']],
  ];
  for (const [meant, ...names] of known)
    for (const name of names) t.equal(meantBy(name, ofDashboard), meant, name);
  const ofTheSeries: [meant: string, ...given: string[]][] = [
    ['interval', ...['Interval', 'intervall', 'granularity', 'group_by', 'inteval', 'interval[]', 'bucket']],
    ['format', ...['Format', 'fromat', 'formats', 'fmt']],
  ];
  for (const [meant, ...names] of ofTheSeries)
    for (const name of names) t.equal(meantBy(name, ofSeries), meant, name);
  const ofTheBreakdown: [meant: string, ...given: string[]][] = [
    ['by', ...['By', 'by[]', 'group_by', 'groupBy', 'breakdown_by', 'dimension', 'dimensions', 'split_by']],
    ['order', ...['sort', 'order_by', 'orderBy', 'oder', 'sorting']],
    ['limit', ...['Limit', 'top', 'limits', 'max_groups', 'page_size']],
  ];
  for (const [meant, ...names] of ofTheBreakdown)
    for (const name of names) t.equal(meantBy(name, ofBreakdown), meant, name);
  for (const name of ['b', 'y', 'bx', 'my', 'yb']) t.equal(meantBy(name, ofBreakdown), undefined, name);
});

test('a name that looks like no parameter means none', async (t) => {
  for (const name of [
    ...[
      '_',
      '',
      '[]',
      'utm_source',
      'utm_medium',
      'cb',
      'v',
      't',
      'ts',
      'api_key',
      'token',
      'key',
      'lang',
      'page',
    ],
    ...[
      'limit',
      'offset',
      'sort',
      'fields',
      'callback',
      'debug',
      'x',
      'tenant',
      'locale',
      '__proto__',
      'constructor',
    ],
    ...['x'.repeat(10_000), '日付', 'update', 'candidate'],
  ]) {
    t.equal(meantBy(name, ofDashboard), undefined, name.slice(0, 40));
    t.equal(meantBy(name, ofSeries), undefined, name.slice(0, 40));
  }
  for (const name of ['interval', 'format']) t.equal(meantBy(name, ofDashboard), undefined, name);
});

test('a misspelt parameter is refused with the right name, on every route and for HEAD', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  const { app, get, lines } = await testApi(t, world);
  const cases: [query: string, given: string, meant: string][] = [
    ['startDate=2026-03-01', 'startDate', 'start_date'],
    ['from=2026-03-01', 'from', 'start_date'],
    ['start_date[]=2026-03-01', 'start_date[]', 'start_date'],
    ['start_date%5B%5D=2026-03-01', 'start_date[]', 'start_date'],
    ['Start_Date=2026-03-01', 'Start_Date', 'start_date'],
    ['agent=somebody', 'agent', 'agent_id'],
    ['status=failed&status[]=busy', 'status[]', 'status'],
    ['start_date=2026-03-01&end=2026-03-02', 'end', 'end_date'],
    ['to=2026-03-01', 'to', 'end_date'],
    ['userId=somebody', 'userId', 'user_id'],
    ['start_date=2026-03-01&amp;end_date=2026-03-02', 'amp;end_date', 'end_date'],
    ['range=7d', 'range', 'start_date and end_date, or period'],
    ['to=1&to=2', 'to', 'end_date'],
    [`end_dat%22=${key}`, 'end_dat"', 'end_date'],
  ];
  for (const path of PATHS) {
    for (const [query, given, meant] of cases) {
      const { status, body } = await get(`${path}?${query}`, key);
      t.equal(status, 400, `${path} ${query}`);
      t.strictSame(body.error, { code: 'INVALID_PARAMETER' }, query);
      t.equal(
        body.message,
        `${JSON.stringify(given)} is no parameter here. Write ${meant}, or leave it out.`,
      );
    }
    t.equal((await get(`${path}?from=2026-03-01`)).status, 401, 'first of all comes the key');
    const head = await app.inject({
      method: 'HEAD',
      url: `${path}?from=x`,
      headers: { authorization: `Bearer ${key}` },
    });
    t.equal(head.statusCode, 400);
  }
  for (const path of PATHS.slice(0, 2)) {
    t.equal((await get(`${path}?_=1&_=2&utm_source=x&x[]=1`, key)).status, 200, 'others go on being ignored');
  }
  t.equal((await get('/?start=2026-03-01&range=7d')).status, 200, 'the page has an address of its own');
  t.notMatch(lines.join(''), key.slice(3));
});
