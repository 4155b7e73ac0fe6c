import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { ask, askFor, filterQuery } from '../../src/dashboard.ts';
import { conclude, observe, warmUp } from '../../src/endure.ts';
import { redisCommand } from '../../src/engines.ts';
import { FaultReport, tally } from '../../src/fault-report.ts';
import { together } from '../../src/watch.ts';
import { Flow, startWorld, type World } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const DAY_MS = 86_400_000;
const FILLED_WITHIN_MS = 500_000;
/** Between questions, because until the user is filled each one takes Mongo a while. */
const PAUSE_MS = 1_000;
/** How much older as-of may be when Redis was emptied and this user is filled, too: times, and ms. */
const HELD_UP = { times: 3, ms: 3_000 };
const BUSY = 'busy';
const BUSY_CALLS = 100_000;
const BUSY_DAYS = 90;
/** 40 × 5 × 5 cells, as many as a month may have. */
const AGENTS = 40;
const DIRECTIONS = ['inbound', 'outbound', 'web', 'sideways', ''];
const STATUSES = ['completed', 'failed', 'busy', 'transferred', ''];
const ROWS_AT_ONCE = 5_000;
/** A topic epoch of its own, so that no offset belongs to an event. */
const STREAM = 7;

/** Stores a history that was counted long ago, as rows and in the oracle. @returns API key */
async function giveBusyHistory({ platform, oracle, chance }: World): Promise<string> {
  const { calls, progress } = platform.store;
  const until = Date.now() - DAY_MS;
  for (let first = 0; first < BUSY_CALLS; first += ROWS_AT_ONCE) {
    const rows = Array.from({ length: ROWS_AT_ONCE }, (_, i) => {
      const offset = first + i;
      const startedAt = until - chance.int(0, BUSY_DAYS * DAY_MS);
      const durationMs = chance.int(0, 900_000);
      const agentId = `agent ${offset % AGENTS}`;
      const direction = DIRECTIONS[Math.floor(offset / AGENTS) % DIRECTIONS.length]!;
      const status = STATUSES[Math.floor(offset / AGENTS / DIRECTIONS.length) % STATUSES.length]!;
      oracle.add({
        call_id: `busy-${offset}`,
        user_id: BUSY,
        started_at: new Date(startedAt).toISOString(),
        duration_seconds: durationMs / 1000,
        agent_id: agentId,
        direction,
        status,
      });
      const call = { callId: `busy-${offset}`, userId: BUSY, startedAt, durationMs, agentId };
      const labels = { ...(direction && { direction }), ...(status && { status }) };
      return toRow({ ...call, ...labels }, { stream: STREAM, partition: 0, offset });
    });
    await calls.insert(rows);
  }
  await progress.advanceStored(STREAM, 0, BUSY_CALLS - 1);
  return platform.key(BUSY);
}

test('a user with 100 000 calls in 1 000 cells is filled again, and nobody else is held up', async (t) => {
  const world = await startWorld(t, { users: 6, sessionTimeoutMs: 30_000 });
  const { platform, oracle } = world;
  const redis = (command: string) => redisCommand(platform.redis.address, command);
  await warmUp(world);
  const key = await giveBusyHistory(world);
  // Their history does not change, so every answer has one right value.
  const now = new Date();
  const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30);
  const until = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate());
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const window = `start_date=${day(from)}&end_date=${day(until - 1)}`;
  const filter = { status: ['completed', ''] };
  const by = ['agent', 'direction', 'status'] as const;
  const groups = oracle.breakdown(BUSY, { from, until }, by);
  const { total_calls } = oracle.figures(BUSY, { from, until }, until, filter);
  const buckets = oracle.series(BUSY, { from, until }, 'day', filter);
  t.equal(groups.length, 1_000);

  const flow = new Flow(world);
  flow.start();
  // Nobody asks for the user yet.
  const before = await observe(world, async () => {
    await platform.flushRedis();
    await sleep(5_000);
  });
  await redis('CONFIG SET latency-tracking-info-percentiles 100');
  await redis('CONFIG RESETSTAT');
  const statuses = new Map<number, number>();
  let slowestMs = 0;
  let filledAfterMs = Number.POSITIVE_INFINITY;
  const wrong: unknown[] = [];
  const observed = await observe(world, async () => {
    await platform.flushRedis();
    const began = Date.now();
    for (const end = began + FILLED_WITHIN_MS; Date.now() < end; await sleep(PAUSE_MS)) {
      const { url } = platform.api;
      const breakdown = await askFor('breakdown', url, key, `${window}&by=${by}`);
      const dashboard = await ask(url, key, `${window}&${filterQuery(filter)}`);
      const series = await askFor('timeseries', url, key, `${window}&${filterQuery(filter)}`);
      for (const { status, tookMs } of [breakdown, dashboard, series]) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        slowestMs = Math.max(slowestMs, tookMs);
      }
      const isExact =
        isDeepStrictEqual(breakdown.body.data?.groups, groups) &&
        dashboard.body.data?.total_calls === total_calls &&
        isDeepStrictEqual(series.body.data?.buckets, buckets);
      if (!isExact) wrong.push([breakdown, dashboard, series]);
      if ([breakdown, dashboard, series].some(({ source }) => source !== 'counters')) continue;
      // Whole months, which the history begins before.
      const whole = `start_date=${day(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 4, 1))}&by=agent`;
      if ((await askFor('breakdown', url, key, whole)).source !== 'counters') continue;
      filledAfterMs = Date.now() - began;
      break;
    }
  });
  await flow.stop();
  t.same([...statuses.keys()], [200], `always answered: ${tally(statuses)}`);
  t.same(wrong, [], 'and exact');
  t.ok(filledAfterMs < FILLED_WITHIN_MS, `all of it from counters again after ${filledAfterMs} ms`);
  const slowestScriptUs = Number(/evalsha:p100=([\d.]+)/.exec(await redis('INFO latencystats'))?.[1]);
  t.comment(`slowest script: ${Math.round(slowestScriptUs / 1000)} ms`);
  t.comment(`slowest answer about the user: ${Math.round(slowestMs)} ms`);
  const [usualMs, oldestMs] = [before, observed].map(({ whole, cut }) => together(whole, cut).oldestAsOfMs);
  t.ok(
    oldestMs! < HELD_UP.times * usualMs! + HELD_UP.ms,
    `others were counted meanwhile: as-of at most ${oldestMs} ms old, without this user ${usualMs} ms`,
  );
  const everybody = { ...world, keys: new Map([...world.keys, [BUSY, key]]) };
  const name = `Redis emptied; a user with ${BUSY_CALLS} calls in 1 000 cells is filled`;
  await conclude(t, everybody, report, { name, observed });
});
