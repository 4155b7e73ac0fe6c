import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CallEvent } from '@calltally/contract';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { compareWithOracle, compareWithRows } from '../../src/compare.ts';
import { ask, figuresOf } from '../../src/dashboard.ts';
import { caughtUp, warmUp } from '../../src/endure.ts';
import { FaultReport, tally } from '../../src/fault-report.ts';
import { rounds } from '../../src/rounds.ts';
import { Flow, startWorld, type World } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const DAY_MS = 86_400_000;
const USER = 'whale';
/** So many calls that Mongo needs more time than one piece may take, over so many months that there are many pieces. */
const ROWS = 400_000;
const DAYS = 700;
const ROWS_AT_ONCE = 5_000;
/** A topic epoch of its own, so that no offset belongs to an event. */
const STREAM = 7;
const KILLS = rounds(10);
const COMPLETE_WITHIN_MS = 180_000;

/** Stores a history that was counted long ago, as rows and in the oracle. @returns API key */
async function giveHistory({ platform, oracle }: World): Promise<string> {
  const { calls, progress } = platform.store;
  const until = Date.now() - DAY_MS;
  for (let first = 0; first < ROWS; first += ROWS_AT_ONCE) {
    const rows = Array.from({ length: ROWS_AT_ONCE }, (_, i) => {
      const offset = first + i;
      const startedAt = until - Math.floor((offset * DAYS * DAY_MS) / ROWS);
      const event: CallEvent = {
        call_id: `whale-${offset}`,
        user_id: USER,
        started_at: new Date(startedAt).toISOString(),
        duration_seconds: 60 + (offset % 7),
      };
      oracle.add(event);
      const call = {
        callId: event.call_id,
        userId: USER,
        startedAt,
        durationMs: (60 + (offset % 7)) * 1_000,
      };
      return toRow(call, { stream: STREAM, partition: 0, offset });
    });
    await calls.insert(rows);
  }
  await progress.advanceStored(STREAM, 0, ROWS - 1);
  return platform.key(USER);
}

test('a user with hundreds of thousands of calls is filled, whatever is killed and however often Redis is emptied', async (t) => {
  const world = await startWorld(t, { users: 6, sessionTimeoutMs: 30_000 });
  const { platform, oracle, chance } = world;
  await warmUp(world);
  const key = await giveHistory(world);
  const flow = new Flow(world);
  flow.start();

  const statuses = new Map<number | 'none', number>();
  const sources = new Map<string, number>();
  const wrong: unknown[] = [];
  let slowestMs = 0;
  let isAsking = true;
  const range = (nowMs: number) => {
    const now = new Date(nowMs);
    const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30);
    return { from, until: nowMs + 1 };
  };
  // The user gets no new calls meanwhile, so every answer has one right value.
  const asking = (async () => {
    for (; isAsking; await sleep(20)) {
      const askedAtMs = Date.now();
      const answer = await ask(platform.api.url, key).catch(() => undefined);
      const status = answer?.status ?? 'none';
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (answer?.status !== 200) continue;
      sources.set(answer.source!, (sources.get(answer.source!) ?? 0) + 1);
      slowestMs = Math.max(slowestMs, answer.tookMs);
      const found = figuresOf(answer);
      const right = [askedAtMs, Date.now()].map((nowMs) => oracle.figures(USER, range(nowMs), nowMs));
      if (!right.some((figures) => isDeepStrictEqual(found, figures))) wrong.push({ found, right: right[1] });
    }
  })();

  for (let kill = 0; kill < KILLS; kill++) {
    if (kill % 3 === 0) await platform.flushRedis();
    await sleep(chance.int(300, 2_000));
    const victim = chance.pick([platform.api, ...platform.ingests]);
    await victim.end('SIGKILL');
    await victim.start();
  }
  // The user is partly filled by now, and other processes go on.
  const allOfIt = `start_date=${new Date(Date.now() - (DAYS + 2) * DAY_MS).toISOString().slice(0, 10)}`;
  let source: string | null = null;
  for (const end = Date.now() + COMPLETE_WITHIN_MS; source !== 'counters' && Date.now() < end; ) {
    source = (await ask(platform.api.url, key, allOfIt)).source;
    await sleep(200);
  }
  t.equal(source, 'counters', 'all of it is in counters in the end');
  isAsking = false;
  await asking;
  await flow.stop();
  await caughtUp(world);

  const others = [...statuses.keys()].filter((status) => status !== 200 && status !== 'none');
  t.same(others, [], `answered, or the API was unavailable: ${tally(statuses)}`);
  t.same(wrong, [], `every answer was exact, from ${tally(sources)}`);
  t.ok(sources.has('counters') && sources.has('mongo'), 'from rows first, then from counters');
  const everybody = { ...world, keys: new Map([...world.keys, [USER, key]]) };
  const differences = await compareWithOracle(everybody);
  t.same(differences, [], `every number equals the oracle, of ${oracle.size} calls`);
  t.same(await compareWithRows(everybody), [], 'the counters equal the rows');
  const called = platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
  t.equal(called, 0, 'no user was reported as drifted');
  const exact = wrong.length === 0 ? 'exact' : `${wrong.length} wrong`;
  const answers = { whole: tally(statuses), cut: '', sources: tally(sources), slowestMs };
  report.add(t, {
    fault: `A user with ${ROWS} calls; API and ingest killed ${KILLS} times while they are filled`,
    ...answers,
    during: exact,
    afterwards: differences.length === 0 ? 'exact' : `${differences.length} wrong`,
  });
});
