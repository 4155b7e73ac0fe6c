import { randomInt } from 'node:crypto';
import { type Call, INTERVALS, type Interval, type Range, seriesOf } from '@calltally/domain';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import {
  CountersLink,
  DashboardReader,
  fallbackLimit,
  fillPieces,
  PieceReader,
  RowsAsOf,
  recordBatch,
  reopen,
  SeriesReader,
} from '../src/index.ts';
import { type Given, PARTITIONS, startOf } from './live.ts';
import { byPartition, figuresOf, isSumOfOneCut } from './one-cut.ts';
import {
  batchOf,
  bothOf,
  callOf,
  callsIn,
  DAY_MS,
  dashboardOracle,
  seriesOracle,
  testWorld,
  until,
} from './support.ts';

const WHALE = 'u-whale';
const ROWS = 2_000;
const SPAN_DAYS = 700;
/** How often the whale is reopened and filled again. */
const FILLS = 2;
const READERS = 6;

test('a user with a long history is right at every moment while they are filled and calls are counted', async (t) => {
  const world = await testWorld(t);
  const { store } = world;
  const nowMs = startOf(Date.now()) + DAY_MS / 2;
  const someStart = () =>
    randomInt(3) === 0 ? nowMs - randomInt(DAY_MS) : nowMs - randomInt(SPAN_DAYS * DAY_MS);
  const old = Array.from({ length: ROWS }, () =>
    callOf(WHALE, { startedAt: nowMs - randomInt(SPAN_DAYS * DAY_MS), durationMs: randomInt(1, 3_600_000) }),
  );
  await store.calls.insert(
    old.map((call, i) => toRow(call, { stream: 0, partition: i % 2, offset: Math.floor(i / 2) })),
  );
  for (const partition of PARTITIONS) await store.progress.advanceStored(0, partition, ROWS / 2 - 1);

  const [first, second, third, fourth] = await Promise.all(Array.from({ length: 4 }, () => world.begin()));
  const link = new CountersLink({
    url: world.redis.address,
    commandTimeoutMs: 10_000,
    openTimeoutMs: 10_000,
  });
  const rowsAsOf = new RowsAsOf(store);
  const filler = { add: () => {} };
  const parts = { store, link, filler, rowsAsOf, fallbacks: fallbackLimit() };
  const reader = new DashboardReader(parts);
  const series = new SeriesReader(parts);
  await link.start();
  t.teardown(() => link.stop());
  await until(
    () => link.current?.generations.size,
    (size) => size === 1,
  );

  const given: Given[] = [];
  let acknowledged: Given[] = [];
  let fills = 0;
  const isOver = () => fills >= FILLS;
  const offsets = [ROWS / 2, ROWS / 2];

  /** Batches with one call of the whale each, and with duplicates that came by the other partition before. */
  const write = async (partition: 0 | 1) => {
    const ledger = partition === 0 ? first! : second!;
    while (!isOver()) {
      const before = [...old, ...given.map(({ call }) => call)];
      const duplicate = before[randomInt(before.length)]!;
      const one: Given = {
        call: callOf(WHALE, { startedAt: someStart(), durationMs: randomInt(1, 3_600_000) }),
        partition,
        sentMs: Date.now(),
      };
      given.push(one);
      const calls = randomInt(2) === 0 ? [duplicate, one.call] : [one.call, callOf('u-other')];
      const events = calls.map((call) => ({ offset: offsets[partition]!++, call }));
      await recordBatch(ledger, batchOf(partition, events));
      acknowledged = [...acknowledged, one];
    }
  };

  let pieces = 0;
  /** Fills with spans of its own, and reopens the whale when it is complete. */
  const fill = async (ledger: NonNullable<typeof first>, rowsWanted: number, firstSpanMs: number) => {
    const own = new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted, firstSpanMs });
    while (!isOver()) {
      const done = await fillPieces(ledger, own, [WHALE]);
      pieces += done.pieces;
      if (done.pieces === 0 || done.left.length > 0) continue;
      fills += 1;
      if (!isOver()) await reopen(ledger, [WHALE]);
    }
  };

  const wrong: unknown[] = [];
  const sources = new Map<string, number>();
  const someRange = (): [Range, readonly Interval[]] => {
    const day = startOf(nowMs);
    const [from, until] = [randomInt(SPAN_DAYS), randomInt(SPAN_DAYS)].toSorted((a, b) => b - a);
    switch (randomInt(4)) {
      case 0:
        return [{ from: day - 30 * DAY_MS, until: nowMs + 1 }, INTERVALS];
      case 1:
        return [{ from: nowMs - from! * DAY_MS, until: nowMs - until! * DAY_MS + 7 }, ['week', 'month']];
      case 2:
        return [{ from: day - from! * DAY_MS, until: day + DAY_MS }, ['week', 'month']];
      default:
        return [{ from: day - (from! + 40) * DAY_MS, until: day - from! * DAY_MS }, INTERVALS];
    }
  };
  const read = async () => {
    while (!isOver() && wrong.length === 0) {
      const [range, intervals] = someRange();
      const least = byPartition(acknowledged);
      const isRight = (what: string, source: string, answer: readonly number[], of: Figuring) => {
        const history = of(old);
        const late = answer.map((number, i) => number - history[i]!);
        if (!isSumOfOneCut(late, given, least, (call) => of([call]))) {
          wrong.push({ what, source, range, late, least, given: given.length });
        }
        const key = `${what}: ${source}`;
        sources.set(key, (sources.get(key) ?? 0) + 1);
      };
      if (randomInt(2) === 0) {
        const reading = await reader.read(WHALE, range, nowMs);
        isRight('dashboard', reading.source, figuresOf(reading), (calls) =>
          figuresOf(dashboardOracle(calls, range, nowMs)),
        );
      } else {
        const interval = intervals[randomInt(intervals.length)]!;
        const { source, tallies } = await series.read(WHALE, range, seriesOf(range, interval), nowMs);
        const flat = (some: readonly { calls: number; durationMs: number }[]) =>
          some.flatMap(({ calls, durationMs }) => [calls, durationMs]);
        isRight('series', source, flat(tallies), (calls) => flat(seriesOracle(calls, range, interval)));
      }
    }
  };

  await Promise.all([
    write(0),
    write(1),
    fill(third!, 100, 3 * DAY_MS),
    fill(fourth!, 150, 20 * DAY_MS),
    ...Array.from({ length: READERS }, read),
  ]);
  t.strictSame(wrong, []);
  t.comment(`${pieces} pieces, ${given.length} calls`, [...sources].sort());
  t.ok(pieces > 0, `${pieces} pieces`);
  t.ok(given.length > 0, `${given.length} calls meanwhile`);
  for (const path of ['dashboard: counters', 'dashboard: counters+mongo', 'dashboard: mongo']) {
    t.ok(sources.get(path), path);
  }
  for (const path of ['series: counters', 'series: counters+mongo']) t.ok(sources.get(path), path);

  const both = (await bothOf(world, first!, WHALE))!;
  t.strictSame(both.counters, both.rows);
  t.equal(callsIn(both.counters), ROWS + given.length);
});

type Figuring = (calls: readonly Call[]) => readonly number[];
