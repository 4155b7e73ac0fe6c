import type { CellFilter } from '@calltally/domain';
import { test } from 'tap';
import { filterOf } from '../../src/schemas/filter-parameters.ts';
import {
  DAY_MS,
  dateAgo,
  type Field,
  type Filters,
  groupsOf,
  NOON_MS,
  queryOf,
  recentCalls,
  sumOf,
  those,
} from '../labelled.ts';
import { listen } from '../stream/support.ts';
import { callsAt, testApi, testWorld, until, untilRedisIsMissed } from '../support.ts';

const TODAY = NOON_MS - DAY_MS / 2;
const EVENING = TODAY - 10 * DAY_MS + DAY_MS * 0.75 + 1_000;
const RANGES: [query: string, from: number, until: number, source: string][] = [
  ['', TODAY - 30 * DAY_MS, NOON_MS + 1, 'counters'],
  [`start_date=${dateAgo(20)}&end_date=${dateAgo(1)}`, TODAY - 20 * DAY_MS, TODAY, 'counters'],
  [`start_date=${new Date(EVENING).toISOString()}`, EVENING, NOON_MS + 1, 'counters+mongo'],
];
const FILTERS: Filters[] = [
  { agent_id: ['booking'] },
  { agent_id: [''] },
  { agent_id: ['support', ''], status: ['failed', 'no_answer'] },
  { direction: ['outbound'] },
  { agent_id: ['booking', 'support', ''], direction: ['inbound', 'outbound', 'web'], status: ['completed'] },
  { agent_id: ['nobody'] },
];

interface Sums {
  calls: number;
  duration_ms: number;
}
const total = (parts: readonly Sums[]): Sums => ({
  calls: parts.reduce((sum, { calls }) => sum + calls, 0),
  duration_ms: parts.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
});

test('filters let only their calls count, the same on every route', async (t) => {
  const world = await testWorld(t);
  const calls = recentCalls('u', 300, 50);
  await world.count([...calls, ...recentCalls('another', 20, 20)]);
  const key = await world.keyOf('u');
  const api = await testApi(t, world, { now: { ms: NOON_MS } });
  const { get } = api;

  for (const [range, from, end, source] of RANGES) {
    for (const filters of FILTERS) {
      const query = `${range}&${queryOf(filters)}`;
      const kept = those(calls, filters, from, end);
      const sum = sumOf(kept);
      const today = those(calls, filters, TODAY, TODAY + DAY_MS).length;

      const dashboard = await get(`/analytics/dashboard?${query}`, key);
      t.match(dashboard.body.data, { total_calls: sum.calls, calls_today: today }, query);
      t.equal(dashboard.body.data.total_duration_minutes, Math.round(sum.duration_ms / 600) / 100, query);
      t.equal(dashboard.headers['x-tally-source'], source, query);
      t.equal(dashboard.headers['x-tally-cells'], undefined);

      for (const interval of ['day', 'month']) {
        const series = await get(`/analytics/timeseries?${query}&interval=${interval}`, key);
        t.strictSame(total(series.body.data.buckets), sum, `${query} ${interval}`);
      }
      const { body } = await get(`/analytics/breakdown?${query}&by=agent`, key);
      const groups = new Map(
        body.data.groups.map(({ agent_id, calls, duration_ms }: Sums & { agent_id: string }) => [
          JSON.stringify([agent_id]),
          { calls, duration_ms },
        ]),
      );
      t.strictSame([...groups].sort(), [...groupsOf(kept, ['agent_id'])].sort(), query);
      const stream = await listen(t, api, key, { query });
      await stream.when(({ events }) => events.length > 0);
      t.strictSame(stream.dashboards[0], dashboard.body.data, query);
      stream.close();
      const head = await api.app.inject({
        method: 'HEAD',
        url: `/analytics/dashboard?${query}`,
        headers: { authorization: `Bearer ${key}` },
      });
      t.match(head, { statusCode: 200, body: '', headers: { 'x-tally-source': source } });
    }
  }

  await t.test('directions and statuses are folded as in events, agents are compared exactly', async (t) => {
    const same: [given: string, usual: string][] = [
      ['status=no-answer', 'status=no_answer'],
      ['status=No%20Answer&status=no_answer', 'status=no_answer'],
      ['direction=outgoing', 'direction=outbound'],
      ['direction=INBOUND&direction=outbound-api', 'direction=inbound&direction=outbound'],
      ['agent_id', 'agent_id='],
      ['agent_id=Booking', 'agent_id=nobody'],
    ];
    for (const [given, usual] of same) {
      const [one, other] = await Promise.all(
        [given, usual].map((query) => get(`/analytics/dashboard?${query}`, key)),
      );
      t.equal(one?.status, 200);
      t.strictSame(one?.body, other?.body, given);
    }
  });

  await t.test('another user’s figures stay closed', async (t) => {
    for (const name of ['dashboard', 'timeseries', 'stream']) {
      t.match(await get(`/analytics/${name}?agent_id=booking&user_id=another`, key), {
        status: 401,
        body: { error: { code: 'OTHER_USER' } },
      });
    }
  });

  await t.test('from Mongo it is the same', async (t) => {
    const paths = ['dashboard?', 'timeseries?', 'breakdown?by=status&'].map(
      (path) => `/analytics/${path}agent_id=booking&agent_id=&direction=inbound`,
    );
    const usual = await Promise.all(paths.map((path) => get(path, key)));
    await world.redisGate.cut();
    await untilRedisIsMissed({ get });
    for (const [i, path] of paths.entries()) {
      const { headers, body } = await until(
        () => get(path, key),
        ({ status }) => status === 200,
      );
      t.equal(headers['x-tally-source'], 'mongo', path);
      t.strictSame(body, usual[i]?.body, path);
    }
  });
});

test('streams of different filters tell of different calls', async (t) => {
  const world = await testWorld(t);
  await world.count(recentCalls('u', 40, 20));
  const key = await world.keyOf('u');
  const api = await testApi(t, world, { now: { ms: NOON_MS } });
  const queries = [
    '',
    'agent_id=a',
    'agent_id=b',
    'agent_id=b&agent_id=a',
    'agent_id=a&agent_id=b&agent_id=b',
  ];
  const streams = await Promise.all(queries.map((query) => listen(t, api, key, { query })));
  for (const stream of streams) await stream.when(({ dashboards }) => dashboards.length > 0);
  const count = (agentId: string) =>
    world.count(callsAt('u', [NOON_MS - 1_000], 60_000).map((call) => ({ ...call, agentId })));
  const last = () => streams.map(({ dashboards }) => dashboards.at(-1).total_calls);
  t.strictSame(last(), [40, 0, 0, 0, 0]);
  await count('a');
  for (const i of [0, 1, 3, 4]) await streams[i]!.when(({ dashboards }) => dashboards.length === 2);
  t.strictSame(last(), [41, 1, 0, 1, 1]);
  await count('b');
  for (const i of [0, 3, 4]) await streams[i]!.when(({ dashboards }) => dashboards.length === 3);
  await streams[2]!.when(({ dashboards }) => dashboards.length === 2);
  t.strictSame(last(), [42, 1, 1, 2, 2]);
  t.equal(streams[1]!.dashboards.length, 2, 'the same figures are not sent again');
});

test('a filtered stream from rows is brought up to date at the slow pace', async (t) => {
  const world = await testWorld(t, { cellsMax: 1 });
  await world.count(recentCalls('u', 40, 20));
  const key = await world.keyOf('u');
  const api = await testApi(t, world, { now: { ms: NOON_MS } });
  const stream = await listen(t, api, key, { query: 'agent_id=a' });
  await stream.when(({ dashboards }) => dashboards.length > 0);
  const begunMs = performance.now();
  await world.count(callsAt('u', [NOON_MS - 1_000], 60_000).map((call) => ({ ...call, agentId: 'a' })));
  await stream.when(({ dashboards }) => dashboards.length === 2);
  t.strictSame(stream.dashboards[1].total_calls, 1);
  t.ok(performance.now() - begunMs > 3_000);
});

test('a bad filter is refused on every route, with its name, its value and the remedy', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world);
  const many = (name: Field, count: number) =>
    Array.from({ length: count }, (_, i) => `${name}=${i}`).join('&');
  const cases: [query: string, says: RegExp][] = [
    ['agent_id=%20a', /^agent_id " a" cannot be used\. Use a string of 1 to 256 .* write \+ as %2B/],
    ['agent_id=a&agent_id=%0Ab', /^agent_id "\\nb" cannot be used/],
    [`agent_id=${'x'.repeat(257)}`, /^agent_id "x{40}…" cannot be used/],
    [`agent_id=%0A${key}`, /^agent_id "\\nct_\*\*\*" /],
    [`status=${'x'.repeat(65)}`, /^status "x{40}…" cannot be used\. Use at most 64 characters/],
    ['direction=%00', /^direction .* cannot be used/],
    ['direction=web&direction=%7F', /^direction .* cannot be used/],
    [many('agent_id', 101), /^101 values of agent_id, direction and status are too many\. .*100/],
    [`${many('agent_id', 60)}&${many('status', 41)}`, /^101 values /],
    ['agent=a', /^"agent" is no parameter here\. Write agent_id/],
    ['agentId=a', /Write agent_id/],
    ['agent_ids=a', /Write agent_id/],
    ['status[]=a', /Write status/],
  ];
  for (const path of ['dashboard?', 'timeseries?', 'breakdown?by=agent&', 'stream?']) {
    for (const [query, says] of cases) {
      const { status, body } = await get(`/analytics/${path}${query}`, key);
      t.equal(status, 400, `${path} ${query.slice(0, 60)}`);
      t.strictSame(body.error, { code: 'INVALID_PARAMETER' });
      t.match(body.message, says);
    }
  }
  const most = `${many('agent_id', 60)}&${many('status', 40)}`;
  t.equal((await get(`/analytics/dashboard?${most}`, key)).status, 200);
});

test('a filter is the same for the same values', async (t) => {
  const filters: [Parameters<typeof filterOf>[0], CellFilter | undefined][] = [
    [{}, undefined],
    [{ agent_id: ['b', 'a', 'b'] }, { agent: ['a', 'b'] }],
    [{ status: ['no-answer', 'no_answer', 'Odd one'] }, { status: ['Odd one', 'no_answer'] }],
    [{ direction: [''] }, { direction: [''] }],
  ];
  for (const [query, filter] of filters) t.strictSame(filterOf(query), filter);
});
