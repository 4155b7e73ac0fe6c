import type { CallEvent } from '@calltally/contract';
import { test } from 'tap';
import { Oracle, type OracleDimension, type OracleFilter, type OracleInterval } from '../src/oracle.ts';
import { periodAt, previousAt } from '../src/oracle-periods.ts';
import { type OracleZoneInterval, zoneMidnight } from '../src/oracle-zones.ts';
import { Chance } from '../src/random.ts';
import { Traffic } from '../src/traffic.ts';

const DAY = { from: Date.UTC(2026, 2, 1), until: Date.UTC(2026, 2, 2) };
const NOW_MS = Date.UTC(2026, 2, 1, 12);

const event = (revision: number, minutes: number, started_at = '2026-03-01T10:00:00Z'): CallEvent => ({
  call_id: 'c',
  user_id: 'u',
  started_at,
  duration_seconds: minutes * 60,
  revision,
});
const deletion = (revision: number): CallEvent => ({ call_id: 'c', user_id: 'u', revision, deleted: true });

function boundsOf(oracle: Oracle, byMs: number) {
  const { least, most } = oracle.bounds('u', DAY, NOW_MS, byMs);
  return [
    [least.total_calls, least.total_duration_minutes, least.calls_today],
    [most.total_calls, most.total_duration_minutes, most.calls_today],
  ];
}

test('an answer may count what was acknowledged by its as-of, or anything higher that was sent', async (t) => {
  const oracle = new Oracle();
  const none = [0, 0, 0];
  t.strictSame(boundsOf(oracle, 0), [none, none]);
  oracle.add(event(0, 5));
  t.strictSame(boundsOf(oracle, 100), [none, [1, 5, 1]], 'sent');
  oracle.acknowledge(event(0, 5), 100);
  t.strictSame(boundsOf(oracle, 99), [none, [1, 5, 1]], 'acknowledged later than as-of');
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 5, 1],
      [1, 5, 1],
    ],
    'acknowledged',
  );
  oracle.add(event(2, 3));
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 3, 1],
      [1, 5, 1],
    ],
    'a correction was sent',
  );
  oracle.acknowledge(event(2, 3), 200);
  t.strictSame(
    boundsOf(oracle, 200),
    [
      [1, 3, 1],
      [1, 3, 1],
    ],
    'and acknowledged',
  );
  oracle.add(event(1, 50));
  t.strictSame(
    boundsOf(oracle, 200),
    [
      [1, 3, 1],
      [1, 3, 1],
    ],
    'a lower revision changes nothing any more',
  );
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 3, 1],
      [1, 50, 1],
    ],
    'but may have been first',
  );
  oracle.add(event(3, 7, '2026-03-02T00:00:00Z'));
  t.strictSame(boundsOf(oracle, 200), [none, [1, 3, 1]], 'it may have moved to another day');
  oracle.add(deletion(4));
  oracle.acknowledge(deletion(4), 300);
  t.strictSame(boundsOf(oracle, 300), [none, none], 'deleted');
  oracle.add(event(5, 9));
  t.strictSame(boundsOf(oracle, 300), [none, [1, 9, 1]], 'perhaps back');
  t.strictSame([oracle.size, oracle.counted, oracle.callsOf('u')], [1, 1, 1]);
  t.match(oracle.figures('u', DAY, NOW_MS), { total_calls: 1, total_duration_minutes: 9, calls_today: 1 });
});

test('ids are unique only within a user; of equal revisions the first one counts', async (t) => {
  const oracle = new Oracle();
  oracle.add(event(1, 5));
  oracle.add(event(1, 6));
  oracle.add({ ...event(0, 7), user_id: 'v' });
  t.equal(oracle.figures('u', DAY, NOW_MS).total_duration_minutes, 5);
  t.equal(oracle.figures('v', DAY, NOW_MS).total_duration_minutes, 7);
  t.equal(oracle.size, 2);
});

const HALF = { from: Date.UTC(2026, 1, 20), until: Date.UTC(2026, 2, 12) };
const labelled = (
  call_id: string,
  seconds: number,
  labels: Partial<CallEvent>,
  started_at = '2026-03-01T10:00:00Z',
): CallEvent => ({ ...labels, call_id, user_id: 'u', started_at, duration_seconds: seconds, deleted: false });

/** Four calls of ada, bob and nobody; the last one lies beyond the range. */
function withLabels(): Oracle {
  const oracle = new Oracle();
  for (const event of [
    labelled('1', 60, { agent_id: 'ada', status: 'Cancelled', direction: 'outbound-api' }),
    labelled(
      '2',
      0.5,
      { agent_id: 'ada', status: 'canceled', direction: 'sideways' },
      '2026-03-11T00:00:00Z',
    ),
    labelled('3', 30, { agent_id: '', status: 'x'.repeat(65) }),
    labelled('4', 90.25, { agent_id: 'bob' }, '2026-02-28T23:59:59.999Z'),
    labelled('5', 1, { agent_id: 'bob' }, '2026-03-12T00:00:00Z'),
  ]) {
    oracle.add(event);
  }
  return oracle;
}

test('breakdowns, filters and series of the oracle', async (t) => {
  const oracle = withLabels();
  const figures = { duration_minutes: 1.01, avg_duration_minutes: 0.51 };
  t.strictSame(oracle.breakdown('u', HALF, ['agent']), [
    { agent_id: 'ada', calls: 2, duration_ms: 60_500, ...figures, share_of_calls: 0.5 },
    {
      agent_id: 'bob',
      calls: 1,
      duration_ms: 90_250,
      duration_minutes: 1.5,
      avg_duration_minutes: 1.5,
      share_of_calls: 0.25,
    },
    {
      agent_id: null,
      calls: 1,
      duration_ms: 30_000,
      duration_minutes: 0.5,
      avg_duration_minutes: 0.5,
      share_of_calls: 0.25,
    },
  ]);
  const names = (by: OracleDimension[], filter?: OracleFilter) =>
    oracle
      .breakdown('u', HALF, by, filter)
      .map(({ agent_id, direction, status, calls }) => [agent_id, direction, status, calls]);
  t.strictSame(
    names(['status', 'direction']),
    [
      [undefined, null, null, 2],
      [undefined, 'outbound', 'canceled', 1],
      [undefined, 'sideways', 'canceled', 1],
    ],
    'folded; too long a label is none',
  );
  t.strictSame(names(['agent'], { status: ['Cancelled'] }), [['ada', undefined, undefined, 2]]);
  t.strictSame(names(['agent'], { agent: [''] }), [[null, undefined, undefined, 1]]);
  t.strictSame(names(['agent'], { agent: ['', 'ada'], direction: ['outbound'] }), [
    ['ada', undefined, undefined, 1],
  ]);
  t.equal(oracle.figures('u', DAY, NOW_MS, { agent: ['ada'] }).total_calls, 1);
  t.equal(oracle.figures('u', DAY, NOW_MS, { agent: ['ada'] }).calls_today, 1);
  const calls = (interval: OracleInterval, filter?: OracleFilter) =>
    oracle
      .series('u', HALF, interval, filter)
      .filter((bucket) => bucket.calls > 0)
      .map((bucket) => [bucket.start, bucket.calls, bucket.duration_ms]);
  t.strictSame(calls('month'), [
    ['2026-02-01', 1, 90_250],
    ['2026-03-01', 3, 90_500],
  ]);
  t.strictSame(calls('week'), [
    ['2026-02-23', 3, 180_250],
    ['2026-03-09', 1, 500],
  ]);
  t.strictSame(calls('day', { agent: ['ada'] }), [
    ['2026-03-01', 1, 60_000],
    ['2026-03-11', 1, 500],
  ]);
  t.equal(oracle.series('u', HALF, 'day').length, 20);
});

test('durations of the oracle: nearest rank', async (t) => {
  const oracle = withLabels();
  const { calls, duration_ms, percentiles, min_seconds, max_seconds, histogram } = oracle.durations(
    'u',
    HALF,
  );
  t.strictSame([calls, duration_ms, min_seconds, max_seconds], [4, 180_750, 0.5, 90.25]);
  t.strictSame(percentiles, { p50: 30, p90: 90.25, p95: 90.25, p99: 90.25 });
  t.strictSame(
    histogram
      .filter((bar) => bar.calls > 0)
      .map(({ from_seconds, to_seconds }) => [from_seconds, to_seconds]),
    [
      [0, 10],
      [30, 60],
      [60, 120],
    ],
  );
  t.strictSame(
    oracle.durations('u', { from: 0, until: 1 }).percentiles,
    { p50: null, p90: null, p95: null, p99: null },
    'without calls',
  );
});

test('periods of the oracle, and the ranges before', async (t) => {
  const nowMs = Date.UTC(2026, 2, 31, 12);
  const shown = (period: string) => {
    const { range, previous } = periodAt(period, nowMs);
    return [range, previous].flatMap(({ from, until }) => [from, until]).map((ms) => new Date(ms).toJSON());
  };
  t.strictSame(shown('this_month'), [
    '2026-03-01T00:00:00.000Z',
    '2026-03-31T12:00:00.001Z',
    '2026-02-01T00:00:00.000Z',
    '2026-03-01T00:00:00.000Z',
  ]);
  t.strictSame(shown('last_week'), [
    '2026-03-23T00:00:00.000Z',
    '2026-03-30T00:00:00.000Z',
    '2026-03-16T00:00:00.000Z',
    '2026-03-23T00:00:00.000Z',
  ]);
  t.strictSame(shown('7d'), [
    '2026-03-25T00:00:00.000Z',
    '2026-03-31T12:00:00.001Z',
    '2026-03-18T11:59:59.999Z',
    '2026-03-25T00:00:00.000Z',
  ]);
  const year = { from: Date.UTC(2025, 0), until: Date.UTC(2026, 0) };
  const before = { from: Date.UTC(2024, 0), until: Date.UTC(2025, 0) };
  t.strictSame(previousAt('period=last_year', year, '2025-12-31T23:59:59Z'), before);
  t.strictSame(previousAt('start_date=2025-01-01&end_date=2025-12-31', year, '2025-12-31T23:59:59Z'), {
    from: Date.UTC(2024, 0, 2),
    until: Date.UTC(2025, 0),
  });
});

test('a call may be in either group while a correction of its labels arrives', async (t) => {
  const oracle = new Oracle();
  const bounds = (byMs: number) =>
    [...oracle.breakdownBounds('u', HALF, ['agent'], byMs)].map(([name, { least, most }]) => [
      name,
      [least.calls, Number(least.ms)],
      [most.calls, Number(most.ms)],
    ]);
  const first = labelled('1', 60, { agent_id: 'ada' });
  const second = { ...first, revision: 1, agent_id: 'bob', duration_seconds: 50 };
  oracle.add(first);
  oracle.acknowledge(first, 100);
  t.strictSame(bounds(100), [['["ada"]', [1, 60_000], [1, 60_000]]]);
  oracle.add(second);
  t.strictSame(bounds(100), [
    ['["ada"]', [0, 0], [1, 60_000]],
    ['["bob"]', [0, 0], [1, 50_000]],
  ]);
  const total = oracle.breakdownBounds('u', HALF, [], 100).get('[]')!;
  t.strictSame(
    [total.least, total.most].map((sum) => [sum.calls, Number(sum.ms)]),
    [
      [1, 50_000],
      [1, 60_000],
    ],
  );
  oracle.acknowledge(second, 200);
  t.strictSame(bounds(200), [['["bob"]', [1, 50_000], [1, 50_000]]]);
  const { least, most } = oracle.bounds('u', HALF, NOW_MS, 100, { agent: ['bob'] });
  t.strictSame([least.total_calls, most.total_calls], [0, 1], 'filtered');
});

test('traffic has later events of every kind, and no two of a call with the same revision', async (t) => {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const traffic = new Traffic(chance, 'calls', 4);
  const highest = new Map<string, CallEvent>();
  const found = { corrected: 0, relabelled: 0, deleted: 0, back: 0, deletedFirst: 0, late: 0, namesakes: 0 };
  const [ids, places] = [new Set<string>(), new Set<string>()];
  const events = traffic.events(8_000, NOW_MS);
  for (const event of events) {
    const id = JSON.stringify([event.user_id, event.call_id]);
    const revision = event.revision ?? 0;
    if (places.has(`${id}${revision}`)) t.fail(`two events of revision ${revision} of ${id}`);
    places.add(`${id}${revision}`);
    const before = highest.get(id);
    if (before === undefined) {
      if (event.deleted) found.deletedFirst++;
      if (ids.has(event.call_id)) found.namesakes++;
      ids.add(event.call_id);
    } else if (revision < before.revision!) {
      if (revision > 0) found.late++;
      continue;
    } else if (event.deleted) found.deleted++;
    else if (before.deleted) found.back++;
    else {
      found.corrected++;
      if (before.agent_id !== event.agent_id && before.status !== event.status) found.relabelled++;
    }
    highest.set(id, { ...event, revision });
  }
  for (const [kind, count] of Object.entries(found)) t.ok(count > 10, `${kind}: ${count}`);
  const later = events.length - highest.size;
  t.ok(later > events.length / 12 && later < events.length / 6, `${later} of ${events.length} events`);
});

test('in a time zone, calls are those of local hours, days, weeks and months', async (t) => {
  const oracle = new Oracle();
  const starts = [
    '2026-02-28T22:59:59Z',
    '2026-02-28T23:00:00Z',
    '2026-03-29T00:59:00Z',
    '2026-03-29T01:00:00Z',
  ];
  for (const [i, start] of starts.entries()) oracle.add({ ...event(0, 1, start), call_id: `c${i}` });
  const range = { from: Date.UTC(2026, 1, 28, 22), until: Date.UTC(2026, 2, 29, 3) };
  const lines = (interval: OracleZoneInterval, zone = 'Europe/Berlin') =>
    oracle
      .seriesInZone('u', range, interval, zone)
      .filter(({ calls }) => calls > 0)
      .map(({ start, calls }) => `${start} ${calls}`);
  t.strictSame(lines('day'), ['2026-02-28 1', '2026-03-01 1', '2026-03-29 2']);
  t.strictSame(lines('month'), ['2026-02-01 1', '2026-03-01 3']);
  t.strictSame(lines('week'), ['2026-02-23 2', '2026-03-23 2']);
  t.strictSame(lines('hour'), [
    '2026-02-28T23:00:00+01:00 1',
    '2026-03-01T00:00:00+01:00 1',
    '2026-03-29T01:00:00+01:00 1',
    '2026-03-29T03:00:00+02:00 1',
  ]);
  t.match(lines('hour', 'Asia/Kathmandu')[0], '2026-03-01T04:00:00+05:45 2');
  t.equal(oracle.seriesInZone('u', range, 'day', 'Europe/Berlin').length, 30);
  t.equal(zoneMidnight('Europe/Berlin', '2026-03-30'), Date.UTC(2026, 2, 29, 22));
  const now = Date.UTC(2026, 2, 29, 1);
  t.match(oracle.figuresInZone('u', range, now, 'Europe/Berlin'), {
    total_calls: 4,
    calls_today: 2,
    calls_this_week: 2,
    calls_this_month: 3,
  });
});
