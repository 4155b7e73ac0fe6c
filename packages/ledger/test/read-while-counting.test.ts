import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, firstDayOfMonth, INTERVALS, monthOf, seriesOf } from '@calltally/domain';
import { type Test, test } from 'tap';
import type { AnswerMeta } from '../src/index.ts';
import { Live, RANGES, startOf, USERS } from './live.ts';
import { DAY_MS, dashboardOracle, REMEMBERS, seriesOracle, testReader, testWorld } from './support.ts';

const READERS = 16;
const BORDER_LASTS_MS = 3_000;
const PATHS_WITHIN_MS = 60_000;
const PATHS = ['dashboard', 'series'].flatMap((what) =>
  ['counters', 'counters+mongo', 'mongo'].map((source) => `${what}: ${source}`),
);
/** How much faster the clock of writer and readers runs, so that minutes around a border pass in seconds. */
const SPEED = 60;

test('while calls are counted, every answer is exactly of one moment: between request and answer, or, from memory, since its as-of', async (t: Test) => {
  const world = await testWorld(t);
  const plain = await testReader(t, world);
  const remembering = await testReader(t, world, world.store, REMEMBERS);
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
        const begunMs = performance.now();
        const elapsed = () => performance.now() - begunMs;
        const clock = () => Math.floor(atMs + (elapsed() - BORDER_LASTS_MS / 2) * SPEED);
        const live = new Live(world, clock);
        const wrong: unknown[] = [];
        const sources = new Map<string, number>();
        const answered = () => new Set([...sources.keys()].map((key) => key.replace(/,.*:/, ':')));
        // A busy machine needs longer to answer by every path.
        const over = () =>
          elapsed() > BORDER_LASTS_MS &&
          (answered().size === PATHS.length || wrong.length > 0 || elapsed() > PATHS_WITHIN_MS);

        const read = async () => {
          while (!over() && wrong.length === 0) {
            const [path, rangeOf] = Object.entries(RANGES)[randomInt(4)]!;
            const userId = USERS[randomInt(USERS.length)]!;
            const counted = live.users.get(userId)!;
            const remembers = randomInt(2) === 0;
            const { reader, series } = remembers ? remembering : plain;
            const nowMs = clock();
            const range = rangeOf(nowMs);
            const { acknowledged } = counted;
            const isRight = (
              what: string,
              { source, asOfMs = 0 }: AnswerMeta,
              answer: object,
              oracle: (calls: Call[]) => object,
            ) => {
              const promised = counted.given.filter(({ sentMs }) => sentMs < asOfMs).length;
              const least = remembers && source !== 'mongo' ? Math.min(promised, acknowledged) : acknowledged;
              const calls = counted.given.map(({ call }) => call);
              const possible = Array.from({ length: calls.length - least + 1 }, (_, i) =>
                JSON.stringify(oracle(calls.slice(0, least + i))),
              );
              if (!possible.includes(JSON.stringify(answer))) {
                wrong.push({ what, path, source, nowMs, range, answer, possible });
              }
              const key = `${what}, ${path}: ${source}`;
              sources.set(key, (sources.get(key) ?? 0) + 1);
            };
            if (randomInt(2) === 0) {
              // By day, the longest of these ranges would have too many buckets.
              const interval = path === 'beyond what is kept' ? 'week' : INTERVALS[randomInt(3)]!;
              const reading = await series.read(userId, range, seriesOf(range, interval), nowMs);
              isRight('series', reading, reading.tallies, (calls) => seriesOracle(calls, range, interval));
              continue;
            }
            const reading = await reader.read(userId, range, nowMs);
            const { today, thisWeek, thisMonth } = reading;
            isRight('dashboard', reading, { range: reading.range, today, thisWeek, thisMonth }, (calls) =>
              dashboardOracle(calls, range, nowMs),
            );
          }
        };
        await Promise.all([
          live.write(over),
          sleep(BORDER_LASTS_MS * 0.6).then(disturb),
          ...Array.from({ length: READERS }, read),
        ]);
        t.strictSame(wrong, []);
        t.strictSame([...answered()].sort(), PATHS, 'by every path');
        t.comment(`${live.calls} calls`, [...sources].sort(), remembering.link.remembered);
      });
    }
  }
  t.equal(run, 6);
});
