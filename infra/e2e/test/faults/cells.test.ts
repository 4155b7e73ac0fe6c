import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { CallEvent, CompletedCallEvent } from '@calltally/contract';
import { type Test, test } from 'tap';
import { askByCell, randomCellsQuestion } from '../../src/by-cell.ts';
import { compareWithOracle, compareWithRows } from '../../src/compare.ts';
import { ask, askFor, withoutRange } from '../../src/dashboard.ts';
import { caughtUp, conclude, observe, warmUp } from '../../src/endure.ts';
import { FaultReport, tally } from '../../src/fault-report.ts';
import { killIngest } from '../../src/kill-ingest.ts';
import { zoneMidnight, zoneStart } from '../../src/oracle-zones.ts';
import { rounds } from '../../src/rounds.ts';
import { Flow, sendCalls, startWorld, type World } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const DAY_MS = 86_400_000;
const FILLED_WITHIN_MS = 240_000;
const QUESTIONS = 40;

/** Checks random questions about all users. @returns how often each `source, X-Tally-Cells` answered */
async function exactByCell(t: Test, world: World, when: string): Promise<Map<string, number>> {
  const { platform, oracle, chance, keys } = world;
  const answers = new Map<string, number>();
  const differences: unknown[] = [];
  for (let i = 0; i < QUESTIONS && differences.length < 5; i++) {
    const [userId, key] = chance.pick([...keys]);
    const verdict = await askByCell(
      { url: platform.api.url, key, userId, oracle },
      randomCellsQuestion(chance),
    );
    differences.push(...verdict.differences);
    for (const { source, cells } of verdict.answers) {
      const name = cells === null ? `${source}` : `${source}, ${cells}`;
      answers.set(name, (answers.get(name) ?? 0) + 1);
    }
  }
  t.strictSame(differences, [], `${QUESTIONS} random questions by cell ${when}: ${tally(answers)}`);
  return answers;
}

/** Waits until all of every user is in counters again. */
async function untilFilled({ platform, keys }: World): Promise<void> {
  for (const key of keys.values()) {
    for (const end = Date.now() + FILLED_WITHIN_MS; ; await sleep(100)) {
      const answer = await ask(platform.api.url, key, 'start_date=2025-01-01&end_date=2025-12-31');
      if (answer.source === 'counters') break;
      if (Date.now() > end) throw new Error(`not filled: ${JSON.stringify(answer)}`);
    }
  }
}

test('months that go beyond the limit of cells while two ingest count and are killed', async (t) => {
  const kills = rounds(10);
  // Some months of each user go beyond at once, some after a while, and some never.
  const world = await startWorld(t, { users: 8, ingests: 2, cells: { COUNTERS_CELLS_MAX: '20' } });
  const { platform, oracle, traffic, keys } = world;
  const flow = new Flow(world);
  flow.start();
  const observed = await observe(world, () => killIngest(world, kills, 0.2));
  await flow.stop();
  // On a slow machine, too few calls have come for the last days of every user. If the month began during the last hour, it
  // or the one before has more than half of these.
  const more = traffic.users.flatMap((userId) =>
    Array.from(
      { length: 45 },
      (_, i): CompletedCallEvent => ({
        call_id: `more-${userId}-${i}`,
        user_id: userId,
        started_at: new Date(Date.now() - i * 60_000).toISOString(),
        duration_seconds: i,
        agent_id: `agent-${i}`,
      }),
    ),
  );
  for (const event of more) oracle.add(event);
  await platform.producer.sendAll(more);
  for (const event of more) oracle.acknowledge(event, Date.now());
  const name = `Ingest killed ${kills} times, 2 of them, while months go beyond the limit of cells`;
  await conclude(t, world, report, { name, observed });

  const now = new Date();
  const firstOfMonth = (ago: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1)).toISOString().slice(0, 10);
  const isBeyond = async (range: string) => {
    const found = new Set<string>();
    for (const key of keys.values()) {
      const { source, cells } = await askFor('breakdown', platform.api.url, key, `by=agent&${range}`);
      found.add(`${source}, ${cells}`);
    }
    return found;
  };
  const exact = async (when: string) => {
    await exactByCell(t, world, when);
    t.same([...(await isBeyond(''))], ['mongo, beyond'], `the last days of all users are beyond: ${when}`);
    const old = await isBeyond(`start_date=${firstOfMonth(16)}&end_date=${firstOfMonth(13)}`);
    t.ok(
      old.has('counters, null') || old.has('counters+mongo, null'),
      `older months of some are not: ${when}`,
    );
  };
  // `conclude` has filled everybody anew.
  await exact('warm');
  await platform.flushRedis();
  await exactByCell(t, world, 'cold');
  await untilFilled(world);
  await exact('filled again');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
});

/** Their clocks are some half-hours from UTC, so counters have their hours and days. */
const ZONES = ['Asia/Kolkata', 'Europe/Berlin', 'America/St_Johns', 'Australia/Adelaide'];
/** Whole local days so far back have half-hours. */
const DAYS_BACK_MAX = 55;

/** Checks random hours, local days, weeks and months of all users. All of them must come from counters. */
async function exactInZones(t: Test, { platform, oracle, chance, keys }: World, when: string): Promise<void> {
  const { url } = platform.api;
  const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const differences: unknown[] = [];
  const sources = new Map<string, number>();
  for (let i = 0; i < QUESTIONS && differences.length < 5; i++) {
    const [userId, key] = chance.pick([...keys]);
    const zone = chance.pick(ZONES);
    const interval = chance.pick(['hour', 'day', 'week', 'month'] as const);
    const today = Date.parse(zoneStart('day', zone, Date.now()));
    const first = today - chance.int(1, DAYS_BACK_MAX) * DAY_MS;
    const end = Math.min(first + chance.int(1, interval === 'hour' ? 5 : DAYS_BACK_MAX) * DAY_MS, today);
    const range = { from: zoneMidnight(zone, dateOf(first)), until: zoneMidnight(zone, dateOf(end)) };
    const query = `start_date=${dateOf(first)}&end_date=${dateOf(end - DAY_MS)}&time_zone=${zone}`;
    const asked = Date.now();
    const answers = {
      series: await askFor('timeseries', url, key, `${query}&interval=${interval}`),
      figures: await ask(url, key, query),
    };
    const buckets = oracle.seriesInZone(userId, range, interval, zone);
    const right = {
      series: [{ interval, buckets, time_zone: zone }],
      figures: [asked, Date.now()].map((now) => ({
        ...oracle.figuresInZone(userId, range, now, zone),
        time_zone: zone,
      })),
    };
    for (const what of ['series', 'figures'] as const) {
      const { source, body } = answers[what];
      sources.set(`${source}`, (sources.get(`${source}`) ?? 0) + 1);
      const has = withoutRange(body.data);
      if (right[what].some((one) => isDeepStrictEqual(has, one))) continue;
      differences.push({ userId, what, query, interval, has: has ?? body, shouldHave: right[what] });
    }
  }
  t.strictSame(differences, [], `${QUESTIONS} random hours and local days ${when}`);
  t.same([...sources.keys()], ['counters'], `from ${tally(sources)}, ${when}`);
}

test('hours and local days while two ingest count and are killed', async (t) => {
  const kills = rounds(8);
  const world = await startWorld(t, { users: 6, ingests: 2 });
  await warmUp(world);
  const flow = new Flow(world);
  flow.start();
  const observed = await observe(world, () => killIngest(world, kills, 0.2));
  await flow.stop();
  await caughtUp(world);
  await untilFilled(world);
  await exactInZones(t, world, 'as they were counted');
  const name = `Ingest killed ${kills} times, 2 of them, while hours and local days are counted`;
  await conclude(t, world, report, { name, observed });
  await world.platform.flushRedis();
  await sendCalls(world, 50);
  await caughtUp(world);
  await untilFilled(world);
  await exactInZones(t, world, 'filled again');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
});

test('two processes name new cells of one user at once', async (t) => {
  const world = await startWorld(t, { users: 1, ingests: 2 });
  const { platform, oracle, chance, traffic } = world;
  const [userId] = traffic.users as [string];
  const key = world.keys.get(userId)!;
  // So many that each process has partitions with them.
  const messageKeys = Array.from({ length: 12 }, (_, i) => `key-${i}`);
  const now = new Date();
  // One month, so that all of them want the next number of the same dictionary.
  const from = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 1, 1);
  const turns = 20;
  const cellsOfRound = 40;
  let made = 0;
  const callOf = (agent: string): CompletedCallEvent => ({
    call_id: `call-${made++}`,
    user_id: userId,
    started_at: new Date(from + chance.int(0, 27 * DAY_MS)).toISOString(),
    duration_seconds: chance.int(0, 600_000) / 1000,
    agent_id: agent,
  });
  await warmUp(world);
  for (let round = 0; round < turns; round++) {
    // Every cell comes by several partitions at the same time, in another order by each.
    const agents = Array.from({ length: cellsOfRound }, (_, i) => `${round}-${i}`);
    const calls = messageKeys.map(() => chance.shuffle(agents).map(callOf));
    const moved = calls.flat().filter(() => chance.chance(0.1));
    const later = moved.map((call): CallEvent => ({ ...call, revision: 1, agent_id: chance.pick(agents) }));
    for (const event of [...calls.flat(), ...later]) oracle.add(event);
    await Promise.all([
      ...messageKeys.map((messageKey, i) => platform.sendUnderKey(messageKey, calls[i]!)),
      platform.sendUnderKey('another-key', later),
    ]);
    if (round % 6 === 5) await platform.flushRedis();
    if (round % 7 === 4) {
      const ingest = chance.pick(platform.ingests);
      await ingest.end('SIGKILL');
      ingest.launch();
    }
  }
  await caughtUp(world);
  await untilFilled(world);
  const range = `start_date=${new Date(from).toISOString().slice(0, 10)}`;
  const answer = await askFor('breakdown', platform.api.url, key, `${range}&by=agent&limit=1000`);
  t.equal(answer.source, 'counters');
  const named = answer.body.data!.groups.filter(({ agent_id }) => /^\d+-\d+$/.test(agent_id ?? ''));
  t.equal(named.length, turns * cellsOfRound, 'each cell is there once');
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${oracle.size} calls`);
  await exactByCell(t, world, 'afterwards');
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
  const called = platform.ingests.filter(({ log }) => log.includes('"differences"')).length;
  t.equal(called, 0, 'no user was reported as drifted');
});

test('without sums by cell, rows answer what needs them', async (t) => {
  const world = await startWorld(t, { users: 5, cells: { COUNTERS_DETAIL: 'off' } });
  await warmUp(world);
  const flow = new Flow(world);
  flow.start();
  const observed = await observe(world, () => sleep(3_000));
  await flow.stop();
  await conclude(t, world, report, { name: 'COUNTERS_DETAIL=off', observed });
  const answers = await exactByCell(t, world, 'without sums by cell');
  t.same([...answers.keys()], ['mongo']);
  const [key] = world.keys.values();
  t.equal((await ask(world.platform.api.url, key!)).source, 'counters');
});
