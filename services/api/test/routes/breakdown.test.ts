import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import type { Call } from '@calltally/domain';
import { test } from 'tap';
import { BY_VALUES } from '../../src/schemas/breakdown.ts';
import { DAY_MS, dateAgo, type Field, groupsOf, NOON_MS, recentCalls, those } from '../labelled.ts';
import { callsAt, exampleCalls, testApi, testWorld, until, untilRedisIsMissed } from '../support.ts';

const RANGE = `start_date=${dateAgo(30)}&end_date=${dateAgo(0)}`;
const now = { ms: NOON_MS };
const PATH = '/analytics/breakdown';

interface Sums {
  calls: number;
  duration_ms: number;
}
type Group = Sums & Partial<Record<Field, string | null>>;
interface Data {
  groups: Group[];
  rest: (Sums & { groups: number }) | null;
}

const FIELDS: Record<string, Field> = { agent: 'agent_id', direction: 'direction', status: 'status' };
const fieldsOf = (by: string) => by.split(',').map((dimension) => FIELDS[dimension]!);

/** Every group of an answer by its labels. */
const named = ({ groups }: Data, by: string) =>
  new Map(
    groups.map((group) => [
      JSON.stringify(fieldsOf(by).map((field) => group[field])),
      { calls: group.calls, duration_ms: group.duration_ms },
    ]),
  );

function total({ groups, rest }: Data): Sums {
  const all = rest === null ? groups : [...groups, rest];
  return {
    calls: all.reduce((sum, { calls }) => sum + calls, 0),
    duration_ms: all.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
  };
}

/** One call a minute before noon for each list of labels. */
const labelled = (userId: string, labels: readonly (readonly (string | undefined)[])[]): Call[] =>
  callsAt(
    userId,
    labels.map((_, i) => NOON_MS - (i + 1) * 60_000),
    labels.length * 1_234,
  ).map((call, i) => {
    const [agentId, direction, status] = labels[i]!;
    return {
      ...call,
      ...(agentId && { agentId }),
      ...(direction && { direction }),
      ...(status && { status }),
    };
  });

test('GET /analytics/breakdown', async (t) => {
  const world = await testWorld(t);
  const calls = recentCalls('u', 700, 250);
  await world.count([...calls, ...exampleCalls('u-342'), ...labelled('u-other', [['theirs'], ['theirs']])]);
  const key = await world.keyOf('u');
  const { app, get } = await testApi(t, world, { now });
  const ask = (query: string, headers = {}) =>
    app.inject({ url: `${PATH}?${query}`, headers: { authorization: `Bearer ${key}`, ...headers } });

  await t.test('the documented example is answered field for field', async (t) => {
    const page = readFileSync(new URL('../../../../docs/api.md', import.meta.url), 'utf8');
    const section = page.slice(page.indexOf('## GET /analytics/breakdown'));
    const [url] = /\/analytics\/breakdown\?[^']+/.exec(section) ?? [''];
    const [json, csv] = ['json', 'csv'].map(
      (kind) => new RegExp(`\`\`\`${kind}\\n(.*?)\`\`\``, 's').exec(section)?.[1],
    );
    const documented = await world.keyOf('u-342');
    const { status, body } = await get(url ?? '', documented);
    t.equal(status, 200);
    // As texts, so that fields are in the documented order.
    t.equal(JSON.stringify(body), JSON.stringify(JSON.parse(json ?? '')));
    const answer = await get(`${url}&format=csv`, documented);
    t.equal(answer.body, csv?.replaceAll('\n', '\r\n'));
    t.match(section, String(answer.headers['content-disposition']).split('"')[1]);
  });

  await t.test('each group is the sum of its calls, and all together are the dashboard', async (t) => {
    const today = NOON_MS - DAY_MS / 2;
    const month = new Date(today);
    month.setUTCMonth(month.getUTCMonth() - 6, 1);
    const evening = today - 10 * DAY_MS + DAY_MS * 0.75 + 1_000;
    const longAgo = NOON_MS - 200 * DAY_MS;
    const ranges: [query: string, from: number, until: number, source: string][] = [
      ['', today - 30 * DAY_MS, NOON_MS + 1, 'counters'],
      [`start_date=${dateAgo(20)}&end_date=${dateAgo(1)}`, today - 20 * DAY_MS, today, 'counters'],
      [`start_date=${new Date(evening).toISOString()}`, evening, NOON_MS + 1, 'counters+mongo'],
      [`start_date=${month.toISOString().slice(0, 10)}`, month.getTime(), NOON_MS + 1, 'counters'],
      [`start_date=${new Date(longAgo).toISOString()}`, longAgo, NOON_MS + 1, 'counters+mongo'],
      [`start_date=${dateAgo(500)}&end_date=${dateAgo(400)}`, 0, 0, 'counters+mongo'],
    ];
    for (const [query, from, until, source] of ranges) {
      const dashboard = await get(`/analytics/dashboard?${query}`, key);
      for (const by of ['agent', 'direction', 'status', 'status,agent', 'agent,direction,status']) {
        const { status, headers, body } = await get(`${PATH}?by=${by}&${query}`, key);
        const what = `${query} by ${by}`;
        t.equal(status, 200, what);
        t.strictSame(body.data.by, by.split(','));
        const groups = groupsOf(those(calls, {}, from, until), fieldsOf(by));
        t.strictSame([...named(body.data, by)].sort(), [...groups].sort(), what);
        t.equal(body.data.rest, null);
        t.equal(total(body.data).calls, dashboard.body.data.total_calls, what);
        t.equal(
          Math.round(total(body.data).duration_ms / 600) / 100,
          dashboard.body.data.total_duration_minutes,
          what,
        );
        t.strictSame(body.data.date_range, dashboard.body.data.date_range, what);
        t.equal(headers['x-tally-source'], source, what);
      }
    }
  });

  await t.test('a group has the labels of by, in its order, and then its figures', async (t) => {
    const figures = ['calls', 'duration_ms', 'duration_minutes', 'avg_duration_minutes', 'share_of_calls'];
    for (const by of BY_VALUES) {
      const response = await ask(`by=${by}&${RANGE}&limit=1`);
      t.equal(response.headers['content-type'], 'application/json; charset=utf-8');
      const { data } = response.json();
      t.strictSame(Object.keys(data), ['by', 'groups', 'rest', 'date_range']);
      for (const group of data.groups) t.strictSame(Object.keys(group), [...fieldsOf(by), ...figures], by);
      t.strictSame(Object.keys(data.rest), ['groups', ...figures]);
    }
  });

  await t.test('the limit leaves a rest, and the order decides what is left over', async (t) => {
    const agentsOf = (data: Data) => data.groups.map(({ agent_id }) => agent_id);
    const shown: [query: string, agents: (string | null)[], rest: number][] = [
      ['', ['booking', 'support', null], 0],
      ['&order=calls', ['booking', 'support', null], 0],
      ['&order=duration&limit=1', ['booking'], 2],
      ['&order=name', ['booking', 'support', null], 0],
      ['&order=name&limit=2', ['booking', 'support'], 1],
      ['&limit=3', ['booking', 'support', null], 0],
      ['&limit=1000', ['booking', 'support', null], 0],
    ];
    const all = total((await ask(`by=status&${RANGE}`)).json().data);
    for (const [query, agents, rest] of shown) {
      const { data } = (await ask(`by=agent&${RANGE}${query}`)).json();
      t.strictSame(agentsOf(data), agents, query);
      t.equal(data.rest?.groups ?? 0, rest, query);
      t.strictSame(total(data), all, query);
    }
    const average = (await ask(`by=agent,status,direction&${RANGE}&order=average`)).json().data.groups;
    const averages = average.map(
      ({ avg_duration_minutes }: { avg_duration_minutes: number }) => avg_duration_minutes,
    );
    t.strictSame(
      averages,
      averages.toSorted((a: number, b: number) => b - a),
    );
  });

  await t.test('headers tell how it was answered, and metrics count and measure it', async (t) => {
    const { headers } = await get(`${PATH}?by=status`, key);
    t.equal(headers['cache-control'], 'private, no-store');
    t.equal(headers.vary, 'Accept, accept-encoding');
    t.equal(headers['x-tally-cells'], undefined);
    t.match(headers['server-timing'], /^auth;dur=[\d.]+, read;dur=[\d.]+$/);
    t.ok(Date.parse(String(headers['x-tally-as-of'])) <= Date.now());
    const { body } = await app.inject('/metrics');
    t.match(body, /^calltally_breakdown_answers_total\{.*source="counters".*\} [1-9]/m);
    t.match(
      body,
      /^calltally_read_duration_seconds_count\{(?=.*route="\/analytics\/breakdown").*source="counters".*\} [1-9]/m,
    );
  });

  await t.test('format takes precedence over Accept, HEAD answers the headers alone', async (t) => {
    const typeOf = async (query: string, accept: string) =>
      String((await ask(`by=agent${query}`, { accept })).headers['content-type']).split(';')[0];
    t.equal(await typeOf('', 'text/csv'), 'text/csv');
    t.equal(await typeOf('', '*/*'), 'application/json');
    t.equal(await typeOf('&format=json', 'text/csv'), 'application/json');
    t.equal(await typeOf('&format=csv', 'application/json'), 'text/csv');
    for (const accept of ['application/json', 'text/csv']) {
      const headers = { authorization: `Bearer ${key}`, accept };
      const response = await app.inject({ method: 'HEAD', url: `${PATH}?by=agent`, headers });
      t.match(response, { statusCode: 200, body: '', headers: { 'x-tally-source': 'counters' } });
      t.match(response.headers['content-type'], accept);
    }
  });

  await t.test('a key opens its own user’s breakdown and no other', async (t) => {
    const other = await world.keyOf('u-other');
    const { apiKey: platform } = await world.store.apiKeys.create({ platform: true });
    const { apiKey: writer } = await world.store.apiKeys.create({ userId: 'u', scope: 'write' });
    const theirs = [{ agent_id: 'theirs', calls: 2 }];
    t.match((await get(`${PATH}?by=agent`, other)).body.data.groups, theirs);
    t.match((await get(`${PATH}?by=agent&user_id=u-other`, platform)).body.data.groups, theirs);
    const refused: [query: string, key: string | undefined, status: number, code: string][] = [
      ['by=agent&user_id=u', other, 401, 'OTHER_USER'],
      ['by=agent', undefined, 401, 'MISSING_API_KEY'],
      ['', undefined, 401, 'MISSING_API_KEY'],
      ['by=agent', writer, 403, 'SCOPE_MISSING'],
      ['by=agent', platform, 400, 'INVALID_PARAMETER'],
    ];
    for (const [query, key, status, code] of refused) {
      t.match(await get(`${PATH}?${query}`, key), { status, body: { error: { code } } }, query);
    }
    const nobody = await world.keyOf('u-nobody');
    t.match((await get(`${PATH}?by=agent`, nobody)).body.data, { groups: [], rest: null });
  });
});

test('a CSV has the same figures, and labels that are no formulas', async (t) => {
  const world = await testWorld(t);
  const agents = [
    'plain',
    'a,b',
    'a;b',
    'say "hi"',
    '=1+1',
    '+4930',
    '-1',
    '@x',
    "'quoted",
    '＝1',
    'a=b',
    'a b',
    'Ünï 🙂',
    undefined,
  ];
  await world.count([
    ...labelled(
      'u',
      agents.map((agent) => [agent]),
    ),
    ...labelled('u', [[undefined, ' =2', ' spaced ']]).map((call) => ({ ...call, callId: 'spaced' })),
  ]);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world, { now });
  const csvOf = async (query: string) => String((await get(`${PATH}?${query}&format=csv`, key)).body);
  const figures = '1234,0.02,0.02,0.0667,';

  const { headers } = await get(`${PATH}?by=agent,status&${RANGE}&format=csv`, key);
  t.equal(headers['content-type'], 'text/csv; charset=utf-8; header=present');
  t.equal(
    headers['content-disposition'],
    `attachment; filename="calltally-by-agent-status-${dateAgo(30)}-to-${dateAgo(0)}.csv"`,
  );
  const lines = (await csvOf('by=agent&order=name')).split('\r\n');
  t.strictSame(lines, [
    'agent_id,calls,duration_ms,duration_minutes,avg_duration_minutes,share_of_calls,rest_groups',
    `'${"'quoted"},1,${figures}`,
    `'+4930,1,${figures}`,
    `'-1,1,${figures}`,
    `'=1+1,1,${figures}`,
    `'@x,1,${figures}`,
    `a b,1,${figures}`,
    `"a,b",1,${figures}`,
    `"a;b",1,${figures}`,
    `a=b,1,${figures}`,
    `plain,1,${figures}`,
    `"say ""hi""",1,${figures}`,
    `Ünï 🙂,1,${figures}`,
    `'＝1,1,${figures}`,
    ',2,2468,0.04,0.02,0.1333,',
    '',
  ]);
  const [, spaced] = (await csvOf('by=direction,status&order=name')).split('\r\n');
  t.equal(spaced, `' =2," spaced ",1,${figures}`);

  const limited = (await csvOf('by=agent,direction&order=name&limit=2&decimal=comma')).split('\r\n');
  t.strictSame(limited.slice(1), [
    `''quoted;;1;1234;0,02;0,02;0,0667;`,
    `'+4930;;1;1234;0,02;0,02;0,0667;`,
    ';;13;16042;0,27;0,02;0,8667;13',
    '',
  ]);
});

test('at most a thousand groups are answered, whatever counters hold', async (t) => {
  const world = await testWorld(t);
  const agents = Array.from({ length: 1_003 }, (_, i) => `agent-${String(i).padStart(4, '0')}`);
  const calls = callsAt(
    'u',
    agents.map((_, i) => NOON_MS - i * 1_000),
    10_000_000,
  ).map((call, i) => ({ ...call, agentId: agents[i]! }));
  await world.count(calls);
  const key = await world.keyOf('u');
  const { app, get } = await testApi(t, world, { now });
  for (const query of ['by=agent&order=name', 'by=agent&order=name&limit=1000']) {
    const { status, headers, body } = await get(`${PATH}?${query}`, key);
    t.equal(status, 200);
    t.equal(headers['x-tally-cells'], 'beyond');
    t.equal(headers['x-tally-source'], 'mongo');
    t.strictSame(
      body.data.groups.map(({ agent_id }: { agent_id: string }) => agent_id),
      agents.slice(0, 1_000),
    );
    t.match(body.data.rest, { groups: 3, calls: 3, share_of_calls: 0.003 });
    t.strictSame(total(body.data), { calls: 1_003, duration_ms: 10_000_000 });
  }
  const packed = await app.inject({
    url: `${PATH}?by=agent&format=csv`,
    headers: { authorization: `Bearer ${key}`, 'accept-encoding': 'br' },
  });
  t.equal(packed.headers['content-encoding'], 'br');
  t.equal(brotliDecompressSync(packed.rawPayload).toString().split('\r\n').length, 1_003);
});

test('beyond the cells of counters a user is answered from rows, and told so', async (t) => {
  const world = await testWorld(t, { cellsMax: 3 });
  // More cells than three in this month alone.
  const month = new Date(NOON_MS);
  month.setUTCDate(1);
  const before = new Date(month.getTime() - DAY_MS);
  const [first, last] = [month.toISOString().slice(0, 10), before.toISOString().slice(0, 10)];
  const few = labelled('u', [['a'], ['b'], [undefined]]);
  const calls = [
    ...few.map((call) => ({ ...call, callId: `few-${call.callId}`, startedAt: before.getTime() })),
    ...labelled('u', [['a'], ['b'], ['c'], [undefined, 'inbound', 'failed']]),
  ];
  await world.count(calls);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world, { now });
  const both = `start_date=${last}`;
  for (const [path, source, cells] of [
    [`${PATH}?by=agent&${both}`, 'mongo', 'beyond'],
    [`${PATH}?by=status&start_date=${first}`, 'mongo', 'beyond'],
    [`${PATH}?by=agent&${both}&end_date=${last}`, 'counters', undefined],
    [`/analytics/dashboard?agent_id=a&${both}`, 'mongo', 'beyond'],
    [`/analytics/timeseries?status=failed&${both}`, 'mongo', 'beyond'],
    [`/analytics/dashboard?${both}`, 'counters', undefined],
    [`/analytics/timeseries?${both}`, 'counters', undefined],
  ] as const) {
    const { status, headers } = await get(path, key);
    t.equal(status, 200);
    t.strictSame([headers['x-tally-source'], headers['x-tally-cells']], [source, cells], path);
  }
  for (const by of ['agent', 'status', 'direction,agent']) {
    const { body } = await get(`${PATH}?by=${by}&${both}`, key);
    t.strictSame([...named(body.data, by)].sort(), [...groupsOf(calls, fieldsOf(by))].sort());
  }
});

test('a bad parameter is refused with its name, its value and the remedy', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world, { now });
  const cases: [query: string, code: string, says: RegExp][] = [
    ['', 'INVALID_PARAMETER', /^by is missing\. Use agent, direction or status/],
    ['by=', 'INVALID_PARAMETER', /^by "" cannot be used\. Use agent/],
    ['by=agents', 'INVALID_PARAMETER', /^by "agents" cannot be used/],
    ['by=agent_id', 'INVALID_PARAMETER', /^by "agent_id" cannot be used/],
    ['by=Agent', 'INVALID_PARAMETER', /^by "Agent" /],
    ['by=agent,', 'INVALID_PARAMETER', /^by "agent," /],
    ['by=agent,agent', 'INVALID_PARAMETER', /^by "agent,agent" .*each once/],
    ['by=agent&by=status', 'INVALID_PARAMETER', /^by is given more than once\. .*with commas/],
    ['by[]=agent', 'INVALID_PARAMETER', /^"by\[\]" is no parameter here\. Write by,/],
    ['group_by=agent', 'INVALID_PARAMETER', /Write by,/],
    ['by=agent&sort=calls', 'INVALID_PARAMETER', /Write order,/],
    ['by=agent&top=3', 'INVALID_PARAMETER', /Write limit,/],
    [
      'by=agent&order=calls_desc',
      'INVALID_PARAMETER',
      /^order "calls_desc" is none of calls, duration, average, name/,
    ],
    ['by=agent&order=calls&order=name', 'INVALID_PARAMETER', /^order is given more than once/],
    ...['0', '-1', '1001', '1.5', '01', '1e2', '', 'ten', ' 1', '1,000'].map(
      (limit): [string, string, RegExp] => [
        `by=agent&limit=${encodeURIComponent(limit)}`,
        'INVALID_PARAMETER',
        /^limit ".*" cannot be used\. Use a whole number from 1 to 1000/,
      ],
    ),
    ['by=agent&limit=1&limit=2', 'INVALID_PARAMETER', /^limit is given more than once/],
    ['by=agent&format=xlsx', 'INVALID_PARAMETER', /^format "xlsx"/],
    ['by=agent&format=csv&separator=comma&decimal=comma', 'INVALID_PARAMETER', /both comma/],
    ['by=agent&start_date=x', 'INVALID_DATE', /^start_date/],
    ['by=agent&start_date=2026-03-02&end_date=2026-03-01', 'START_AFTER_END', /^start_date/],
  ];
  for (const [query, code, says] of cases) {
    const { status, body } = await get(`${PATH}?${query}`, key);
    t.equal(status, 400, query);
    t.equal(body.error.code, code, query);
    t.match(body.message, says, query);
  }
});

test('with a store away it is answered from the other one, with both away it is 503', async (t) => {
  const world = await testWorld(t);
  await world.count(recentCalls('u', 100, 40));
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world, { now });
  const usual = await get(`${PATH}?by=agent,status&${RANGE}`, key);
  t.equal(usual.headers['x-tally-source'], 'counters');
  await world.mongoGate.cut();
  t.strictSame((await get(`${PATH}?by=agent,status&${RANGE}`, key)).body, usual.body);
  t.match(await get(`${PATH}?by=agent&start_date=${dateAgo(9)}T00:00:01Z`, key), {
    status: 503,
    body: { error: { code: 'UNAVAILABLE' } },
  });
  await world.mongoGate.open();
  await world.redisGate.cut();
  await untilRedisIsMissed({ get });
  // On a busy machine Mongo may need a moment to be back.
  const ask = () => get(`${PATH}?by=agent,status&${RANGE}`, key);
  const fromRows = await until(ask, ({ status }) => status !== 503);
  t.strictSame(fromRows.body, usual.body);
  t.equal(fromRows.headers['x-tally-source'], 'mongo');
  await world.mongoGate.cut();
  const { status, headers, body } = await get(`${PATH}?by=agent&format=csv`, key);
  t.strictSame([status, headers['retry-after'], body.error.code], [503, '1', 'UNAVAILABLE']);
});
