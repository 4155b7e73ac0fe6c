import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, defaultRange, firstDayOfMonth, monthOf, type Range } from '@calltally/domain';
import { type Test, test } from 'tap';
import { type Books, beginCounting, markCounted, record } from '../src/index.ts';
import {
  batchOf,
  callOf,
  DAY_MS,
  dashboardOracle,
  RETENTION_MONTHS,
  testReader,
  testWorld,
  type World,
} from './support.ts';

const USERS = Array.from({ length: 6 }, (_, i) => `u-live-${i}`);
const PARTITIONS = [0, 1];
const READERS = 16;
const BORDER_LASTS_MS = 3_000;
/** The clock of writer and readers runs so much faster, so that minutes around a border pass in seconds. */
const SPEED = 60;

/** A user's calls in the order they were given to `record`, and how many of them it has acknowledged. */
interface Counted {
  given: Call[];
  acknowledged: number;
}

/** Ranges by the path that answers them: ready sums, buckets, buckets and edges, rows. */
const RANGES: Record<string, (nowMs: number) => Range> = {
  window: defaultRange,
  'whole days': (nowMs) => ({ from: startOf(nowMs) - 75 * DAY_MS, until: startOf(nowMs) + DAY_MS }),
  'both edges cut': (nowMs) => ({
    from: startOf(nowMs) - randomInt(1, 70) * DAY_MS + randomInt(1, DAY_MS),
    until: nowMs - randomInt(0, 3_600_000),
  }),
  'beyond what is kept': (nowMs) => ({ from: nowMs - 1_200 * DAY_MS, until: nowMs + 1 }),
};

function startOf(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}

/** Counts one call of each of some users at a time, by either partition; begins anew when its session is over. */
async function write(
  world: World,
  users: ReadonlyMap<string, Counted>,
  clock: () => number,
  over: () => boolean,
): Promise<void> {
  const topic = PARTITIONS.map(() => [] as Call[]);
  let books: Books | undefined;
  for (let batches = 0; !over(); batches++) {
    const partition = batches % PARTITIONS.length;
    const log = topic[partition]!;
    const first = log.length;
    for (const userId of USERS.filter(() => randomInt(2) === 0)) {
      const agoMs = randomInt(4) === 0 ? randomInt(80 * DAY_MS) : randomInt(-240_000, 600_000);
      const call = callOf(userId, { startedAt: clock() - agoMs, durationMs: randomInt(1, 3_600_000) });
      log.push(call);
      users.get(userId)!.given.push(call);
    }
    if (log.length === first) continue;
    const events = log.slice(first).map((call, i) => ({ offset: first + i, call }));
    for (let done = false; !done; ) {
      try {
        books ??= await begin(world, topic);
        await record(books, batchOf(partition, events));
        await markCounted(books, { stream: 0, partition, through: log.length - 1 });
        done = true;
      } catch (thrown) {
        if ((thrown as { code?: string }).code?.startsWith('COUNTERS_') !== true) throw thrown;
        books?.session.end('over');
        books = undefined;
      }
    }
    for (const { call } of events) users.get(call.userId)!.acknowledged += 1;
  }
}

/** As a consumer does whose offsets are committed behind each batch: what the marks ask for again is counted again. */
async function begin(world: World, topic: readonly Call[][]): Promise<Books> {
  const states = PARTITIONS.map((partition) => ({ partition, committed: 0, earliest: 0, end: 1e9 }));
  const given = { stream: 0, states, retentionMonths: RETENTION_MONTHS };
  const { books, starts } = await beginCounting(world.store, await world.open(), given);
  for (const start of starts) {
    if (start.kind !== 'at') throw new Error('refused');
    const { partition, offset, stored } = start;
    const events = topic[partition]!.map((call, at) => ({ offset: at, call })).slice(offset, stored + 1);
    if (events.length > 0) await record(books, { ...batchOf(partition, events), again: true });
  }
  return books;
}

test('while calls are counted, every answer is exactly that of one moment between question and answer', async (t: Test) => {
  const world = await testWorld(t);
  const { reader } = await testReader(t, world);
  const nextMonth = firstDayOfMonth(monthOf(Math.floor(Date.now() / DAY_MS)) + 1) * DAY_MS;
  const nextMonday = startOf(Date.now()) + ((8 - new Date().getUTCDay()) % 7 || 7) * DAY_MS;
  const disturbances = {
    nothing: async () => {},
    'every connection to Redis cut': async () =>
      void (await world.admin.call('CLIENT', 'KILL', 'TYPE', 'normal')),
    'Redis emptied': async () => void (await world.admin.flushall()),
  };
  let run = 0;

  for (const [border, atMs] of Object.entries({ 'a month begins': nextMonth, 'a week begins': nextMonday })) {
    for (const [what, disturb] of Object.entries(disturbances)) {
      await t.test(`${border}; ${what}`, async (t) => {
        await Promise.all([world.admin.flushall(), world.db.collection('calls').deleteMany({})]);
        await world.db.collection('progress').deleteMany({});
        run += 1;
        const users = new Map(USERS.map((userId) => [userId, { given: [], acknowledged: 0 } as Counted]));
        const begunMs = performance.now();
        const elapsed = () => performance.now() - begunMs;
        const clock = () => Math.floor(atMs + (elapsed() - BORDER_LASTS_MS / 2) * SPEED);
        const over = () => elapsed() > BORDER_LASTS_MS;
        const wrong: unknown[] = [];
        const sources = new Map<string, number>();

        const read = async () => {
          while (!over() && wrong.length === 0) {
            const [path, rangeOf] = Object.entries(RANGES)[randomInt(4)]!;
            const userId = USERS[randomInt(USERS.length)]!;
            const counted = users.get(userId)!;
            const nowMs = clock();
            const range = rangeOf(nowMs);
            const least = counted.acknowledged;
            const { source, asOfMs, ...said } = await reader.read(userId, range, nowMs);
            const possible = Array.from({ length: counted.given.length - least + 1 }, (_, i) =>
              JSON.stringify(dashboardOracle(counted.given.slice(0, least + i), range, nowMs)),
            );
            const answer = JSON.stringify({
              range: said.range,
              today: said.today,
              thisWeek: said.thisWeek,
              thisMonth: said.thisMonth,
            });
            if (!possible.includes(answer)) wrong.push({ path, source, nowMs, range, answer, possible });
            sources.set(`${path}: ${source}`, (sources.get(`${path}: ${source}`) ?? 0) + 1);
          }
        };
        await Promise.all([
          write(world, users, clock, over),
          sleep(BORDER_LASTS_MS * 0.6).then(disturb),
          ...Array.from({ length: READERS }, read),
        ]);
        t.strictSame(wrong, []);
        const answered = new Set([...sources.keys()].map((key) => key.split(': ')[1]));
        t.strictSame([...answered].sort(), ['counters', 'counters+mongo', 'mongo'], 'by every path');
        t.comment(`${[...users.values()].flatMap(({ given }) => given).length} calls`, [...sources].sort());
      });
    }
  }
  t.equal(run, 6);
});
