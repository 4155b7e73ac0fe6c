import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import {
  type CellsSnapshot,
  CounterSession,
  readGenerations,
  snapshotUser,
  type UserSnapshot,
} from '@calltally/counters';
import { fillUntilComplete, repairUsers } from '@calltally/ledger';
import { askFor, filterQuery, queryOf, type Routes, withoutRange } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import type { OracleDimension, OracleFilter, OracleRange } from './oracle.ts';
import { periodAt } from './oracle-periods.ts';
import { zoneMidnight, zoneStart } from './oracle-zones.ts';
import type { World } from './world.ts';

interface Difference {
  userId: string;
  /** The request, or the name of a sum in counters. */
  asked: string;
  has: unknown;
  shouldHave: unknown;
}

const HALF_HOUR_MS = 1_800_000;
const ALL_TIME = 'start_date=2000-01-01';
const YEAR = 'start_date=2025-01-01&end_date=2025-12-31';
const DEFAULT = '';
const FIGURES: readonly [range: string, filter: OracleFilter][] = [
  [ALL_TIME, {}],
  [YEAR, {}],
  [DEFAULT, {}],
  [ALL_TIME, { status: ['completed', 'no-answer', ''] }],
  [DEFAULT, { agent: ['ada', ''], direction: ['inbound', 'sideways'] }],
];
const PERIODS: readonly [period: string, filter: OracleFilter][] = [
  ['today', {}],
  ['this_month', {}],
  ['last_year', {}],
  ['7d', { agent: ['ada', ''] }],
];
const BREAKDOWNS: readonly [range: string, by: readonly OracleDimension[]][] = [
  [ALL_TIME, ['agent']],
  [YEAR, ['direction']],
  [DEFAULT, ['status']],
  [DEFAULT, ['agent', 'status']],
];

/** Of different offsets and rules. Users take turns. */
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'America/St_Johns'];
const ZONE_SERIES = [
  [DEFAULT, 'hour'],
  [DEFAULT, 'day'],
  [YEAR, 'week'],
  [YEAR, 'month'],
] as const;

/**
 * Answers to users (figures, also beside those of the range before, breakdowns, durations; all-time, of a year, of periods or
 * by default; in UTC and in a time zone) that differ from the oracle's.
 */
export async function compareWithOracle({
  platform,
  oracle,
  keys,
}: World<Deployment>): Promise<Difference[]> {
  const differences: Difference[] = [];
  let turn = 0;
  for (const [userId, key] of keys) {
    const compare = async <R extends keyof Routes>(
      route: R,
      range: string,
      asked: string,
      rightAt: (range: OracleRange, nowMs: number) => unknown,
    ) => {
      const query = queryOf(range, asked);
      const answer = await askPatiently(platform, route, key, query);
      const has = withoutRange(answer.body.data);
      const right = [answer.askedAtMs, Date.now()].map((now) => rightAt(rangeOf(range, now), now));
      if (right.some((one) => isDeepStrictEqual(has, one))) return;
      differences.push({ userId, asked: `${route}?${query}`, has: has ?? answer.body, shouldHave: right[1] });
    };
    for (const [range, filter] of FIGURES) {
      await compare('dashboard', range, filterQuery(filter), (at, now) =>
        oracle.figures(userId, at, now, filter),
      );
    }
    for (const [period, filter] of PERIODS) {
      const query = queryOf(`period=${period}&compare=previous`, filterQuery(filter));
      const { body, askedAtMs } = await askPatiently(platform, 'dashboard', key, query);
      const endMs = Date.parse(body.data?.date_range.end_date ?? '');
      const now = periodAt(period, askedAtMs).endsNow ? endMs : askedAtMs;
      const { range, previous } = periodAt(period, now);
      const has = body.data && {
        ...withoutRange(body.data),
        previous: withoutRange(body.data.previous),
      };
      const shouldHave = {
        ...oracle.figures(userId, range, now, filter),
        previous: oracle.totals(userId, previous, filter),
      };
      if (isDeepStrictEqual(has, shouldHave) && now >= askedAtMs && now <= Date.now()) continue;
      differences.push({ userId, asked: `dashboard?${query}`, has: has ?? body, shouldHave });
    }
    for (const [range, by] of BREAKDOWNS) {
      await compare('breakdown', range, `by=${by}`, (at) => ({
        by,
        groups: oracle.breakdown(userId, at, by),
        rest: null,
      }));
    }
    await compare('durations', ALL_TIME, '', (at) => oracle.durations(userId, at));
    const zone = ZONES[turn++ % ZONES.length]!;
    const asked = `time_zone=${zone}`;
    const filter: OracleFilter = { status: ['completed'] };
    for (const some of [{}, filter]) {
      await compare('dashboard', DEFAULT, queryOf(asked, filterQuery(some)), (_, now) => ({
        ...oracle.figuresInZone(userId, zoneRangeOf(DEFAULT, zone, now), now, zone, some),
        time_zone: zone,
      }));
    }
    for (const [range, interval] of ZONE_SERIES) {
      await compare('timeseries', range, queryOf(asked, `interval=${interval}`), (_, now) => ({
        interval,
        buckets: oracle.seriesInZone(userId, zoneRangeOf(range, zone, now), interval, zone),
        time_zone: zone,
      }));
    }
  }
  return differences;
}

/** Longer than the API refuses a user's sums after one that was late. */
const PATIENCE_MS = 120_000;

/** Retries as clients do: every 503 has Retry-After. */
async function askPatiently<R extends keyof Routes>(
  platform: Deployment,
  route: R,
  key: string,
  query: string,
) {
  for (const end = Date.now() + PATIENCE_MS; ; ) {
    const askedAtMs = Date.now();
    const answer = await askFor(route, platform.api.url, key, query);
    if (answer.status !== 503 || askedAtMs > end) return { ...answer, askedAtMs };
    await sleep(500);
  }
}

function rangeOf(query: string, nowMs: number): OracleRange {
  if (query === YEAR) return { from: Date.UTC(2025, 0, 1), until: Date.UTC(2026, 0, 1) };
  if (query === ALL_TIME) return { from: Date.UTC(2000, 0, 1), until: nowMs + 1 };
  const now = new Date(nowMs);
  return { from: Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30), until: nowMs + 1 };
}

/** As `rangeOf`, by local dates. */
function zoneRangeOf(query: typeof DEFAULT | typeof YEAR, zone: string, nowMs: number): OracleRange {
  if (query === YEAR)
    return { from: zoneMidnight(zone, '2025-01-01'), until: zoneMidnight(zone, '2026-01-01') };
  const first = new Date(zoneStart('day', zone, nowMs));
  first.setUTCDate(first.getUTCDate() - 30);
  return { from: zoneMidnight(zone, first.toISOString().slice(0, 10)), until: nowMs + 1 };
}

/** Users whose counters change when they are filled again from rows. Skips cold users. */
export async function compareWithRows({ platform, keys }: World<Deployment>): Promise<Difference[]> {
  const session = await CounterSession.open({
    ...platform.counters,
    commandTimeoutMs: 10_000,
    openTimeoutMs: 2_000,
  });
  try {
    const generations = await readGenerations(session);
    const now = Date.now();
    const snapshot = async (userId: string) => plain(await snapshotUser(session, generations, userId, now));
    const differences: Difference[] = [];
    for (const userId of keys.keys()) {
      const ledger = { store: platform.store, session, generations };
      if ((await snapshot(userId)) === undefined) continue;
      await fillUntilComplete(ledger, [userId]);
      const has = await snapshot(userId);
      await repairUsers(ledger, [userId]);
      const shouldHave = await snapshot(userId);
      const sums = new Set([...(has?.sums.keys() ?? []), ...(shouldHave?.sums.keys() ?? [])]);
      for (const name of sums) {
        // Once a month has had too many cells, it stays so, even if corrections took them away.
        if (has?.beyond.some((month) => name.startsWith(month))) continue;
        const [found, right] = [has?.sums.get(name), shouldHave?.sums.get(name)];
        if (found !== right) differences.push({ userId, asked: name, has: found, shouldHave: right });
      }
    }
    return differences;
  } finally {
    session.end('compared');
  }
}

/** Sums other than zero, as text by name; and how the names of cells begin of months that had too many. */
function plain(snapshot: UserSnapshot | undefined) {
  if (snapshot === undefined) return undefined;
  const sums = new Map<string, string>();
  const add = (name: string, { calls, durationMs }: { calls: number; durationMs: number }) => {
    if (calls !== 0 || durationMs !== 0) sums.set(name, `${calls} calls, ${durationMs} ms`);
  };
  const beyond: string[] = [];
  for (const [name, tally] of snapshot.buckets) add(name, tally);
  for (const [halfHour, tally] of snapshot.halfHours) {
    add(`half-hour ${new Date(halfHour * HALF_HOUR_MS).toISOString()}`, tally);
  }
  for (const [month, { isBeyond, sums: ofMonth, days }] of snapshot.cells) {
    const name = `cells:${month}:`;
    if (isBeyond) {
      beyond.push(name);
      sums.set(name, 'beyond');
    }
    const addCells = (of: string, tallies: CellsSnapshot['sums']) => {
      for (const tally of tallies) {
        const { agentId, direction, status } = tally.cell;
        add(`${of} ${JSON.stringify([agentId, direction, status])}`, tally);
      }
    };
    addCells(name, ofMonth);
    for (const [day, tallies] of days) addCells(`${name}${day}`, tallies);
  }
  return { sums, beyond };
}
