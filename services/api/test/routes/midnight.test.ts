import { randomInt } from 'node:crypto';
import type { Call } from '@calltally/domain';
import { uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { testApi, testWorld, until } from '../support.ts';

const DAY_MS = 86_400_000;
const USERS = ['u-night-0', 'u-night-1', 'u-night-2'];
const ASKING_AT_ONCE = 12;
const BATCHES = 25;
/** The clock is read so far from midnight at most. */
const AROUND_MS = 20;
/** Whole hundredths of an hour, so that only the average is rounded. */
const DURATION_UNIT_MS = 36_000;

interface Query {
  query: string;
  /** The range meant, and its last instant as it is shown, for a request that is answered at `nowMs`. */
  meant(nowMs: number): { from: number; until: number; shownMs: number };
  endsNow?: boolean;
}

const endNow = (nowMs: number) => ({ until: nowMs + 1, shownMs: nowMs });
const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;
const text = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
const date = (ms: number) => text(ms).slice(0, 10);

/** Ranges by every path: window sums, buckets, buckets and edges; ending now, and ending at midnight. */
function queriesAround(midnightMs: number): Query[] {
  const earliest = midnightMs - 60 * DAY_MS;
  const fixed = (query: string, from: number, until: number, shownMs: number): Query => ({
    query,
    meant: () => ({ from, until, shownMs }),
  });
  const wholeDays = (from: number, until: number) =>
    fixed(`start_date=${date(from)}&end_date=${date(until - 1)}`, from, until, until - 1_000);
  const cut = (from: number, until: number) =>
    fixed(`start_date=${text(from)}&end_date=${new Date(until - 1).toISOString()}`, from, until, until - 1);
  return [
    {
      query: '',
      meant: (nowMs) => ({ from: startOfDay(nowMs) - 30 * DAY_MS, ...endNow(nowMs) }),
      endsNow: true,
    },
    {
      query: `start_date=${date(earliest)}`,
      meant: (nowMs) => ({ from: earliest, ...endNow(nowMs) }),
      endsNow: true,
    },
    {
      query: 'period=today',
      meant: (nowMs) => ({ from: startOfDay(nowMs), ...endNow(nowMs) }),
      endsNow: true,
    },
    {
      query: 'period=yesterday',
      meant: (nowMs) => {
        const until = startOfDay(nowMs);
        return { from: until - DAY_MS, until, shownMs: until - 1_000 };
      },
    },
    wholeDays(midnightMs - 20 * DAY_MS, midnightMs),
    wholeDays(midnightMs, midnightMs + DAY_MS),
    wholeDays(midnightMs - 30 * DAY_MS, midnightMs + DAY_MS),
    cut(midnightMs - 10 * DAY_MS + 5, midnightMs),
    cut(midnightMs - 3, midnightMs + 3),
    cut(midnightMs - 40 * DAY_MS - 7, midnightMs - 1),
  ];
}

/** `data` as it has to be, from the plain calls, by the calendar of Date. */
function dataOf(calls: readonly Call[], meant: ReturnType<Query['meant']>, nowMs: number) {
  const { from, until, shownMs } = meant;
  const now = new Date(nowMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const monday = day - ((now.getUTCDay() + 6) % 7);
  const within = (first: number, end: number) =>
    calls.filter(({ startedAt }) => startedAt >= first && startedAt < end);
  const inRange = within(from, until);
  const ms = inRange.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const count = inRange.length;
  return {
    total_calls: count,
    total_duration_minutes: ms / 60_000,
    total_duration_hours: ms / 3_600_000,
    avg_duration_minutes: count === 0 ? 0 : Math.floor((2 * (ms / 600) + count) / (2 * count)) / 100,
    calls_today: within(Date.UTC(year, month, day), Date.UTC(year, month, day + 1)).length,
    calls_this_week: within(Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)).length,
    calls_this_month: within(Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)).length,
    date_range: { start_date: text(from), end_date: text(shownMs) },
  };
}

function callAround(userId: string, midnightMs: number): Call {
  const offMs = randomInt(3) === 0 ? -randomInt(45 * DAY_MS) : randomInt(-AROUND_MS, AROUND_MS);
  const durationMs = randomInt(1, 100) * DURATION_UNIT_MS;
  return { callId: uniqueName('call'), userId, startedAt: midnightMs + offMs, durationMs };
}

for (const { name, midnightMs } of [
  { name: 'midnight', midnightMs: Date.UTC(2026, 2, 26) },
  { name: 'midnight before a Monday and the first of a month', midnightMs: Date.UTC(2026, 5, 1) },
]) {
  test(`at ${name} all of an answer is of one and the same now, while calls are counted`, async (t) => {
    const world = await testWorld(t);
    // Each time it is read it is of either day, so that a second look within a request would be seen.
    const now = {
      get ms() {
        return midnightMs + randomInt(-AROUND_MS, AROUND_MS);
      },
    };
    const { get } = await testApi(t, world, { now });
    const queries = queriesAround(midnightMs);
    const users = await Promise.all(
      USERS.map(async (userId) => ({
        userId,
        key: await world.keyOf(userId),
        given: [] as Call[],
        sentMs: [] as number[],
        counted: 0,
      })),
    );
    const sources = new Set<string>();
    const days = new Set<string>();
    const wrong: unknown[] = [];

    const count = async (batches: number) => {
      for (let batch = 0; batch < batches; batch++) {
        for (const { userId, given, sentMs } of users) {
          given.push(callAround(userId, midnightMs));
          sentMs.push(Date.now());
        }
        await world.count(users.map(({ given }) => given.at(-1)!));
        for (const user of users) user.counted = user.given.length;
      }
    };
    const ask = async () => {
      const user = users[randomInt(users.length)]!;
      const { query, meant, endsNow } = queries[randomInt(queries.length)]!;
      const { counted } = user;
      const { status, headers, body } = await get(`/analytics/dashboard?${query}`, user.key);
      // A busy machine may be too slow for an answer from rows.
      if (status === 503) return;
      const shownMs = Date.parse(body.data?.date_range.end_date);
      // From memory it may be older than what was counted, and not than its as-of.
      const asOfMs = Date.parse(String(headers['x-tally-as-of']));
      const promised = user.sentMs.filter((ms) => ms < asOfMs).length;
      const least = headers['x-tally-source'] === 'mongo' ? counted : Math.min(counted, promised);
      // The day before or the day after: no more of now is in what is said of a range that does not end now.
      const nows = endsNow ? [shownMs] : [midnightMs - 1, midnightMs];
      const told = JSON.stringify(body.data);
      const counts = Array.from({ length: user.given.length - least + 1 }, (_, i) => least + i);
      const isRight = nows.some((nowMs) =>
        counts.some(
          (first) => told === JSON.stringify(dataOf(user.given.slice(0, first), meant(nowMs), nowMs)),
        ),
      );
      const isNow = !endsNow || Math.abs(shownMs - midnightMs) <= AROUND_MS;
      if (status !== 200 || !isRight || !isNow) wrong.push({ query, status, headers, body });
      sources.add(String(headers['x-tally-source']));
      if (endsNow) days.add(`${headers['x-tally-source']} ${date(shownMs)}`);
    };
    const askWhileCounting = async () => {
      let counting = true;
      const askOn = async () => {
        while (counting && wrong.length === 0) await ask();
      };
      const counts = count(BATCHES).finally(() => {
        counting = false;
      });
      await Promise.all([counts, ...Array.from({ length: ASKING_AT_ONCE }, askOn)]);
    };

    await count(1);
    for (const { key } of users) {
      const isWarm = ({ headers }: { headers: Record<string, unknown> }) =>
        headers['x-tally-source'] === 'counters';
      t.ok(isWarm(await until(() => get('/analytics/dashboard?start_date=2026-01-01', key), isWarm)));
    }
    await askWhileCounting();
    t.ok(sources.has('counters') && sources.has('counters+mongo'), [...sources].join());
    await world.redisGate.cut();
    await askWhileCounting();
    t.strictSame(wrong, []);
    const bothDays = [date(midnightMs - 1), date(midnightMs)];
    for (const source of ['counters', 'mongo']) {
      t.ok(
        bothDays.every((day) => days.has(`${source} ${day}`)),
        `${source} of either day`,
      );
    }
  });
}
