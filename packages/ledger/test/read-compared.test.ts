import { strict as assert } from 'node:assert';
import {
  type Call,
  type CellFilter,
  INTERVALS,
  type Interval,
  matchesFilter,
  type Range,
  rangeBefore,
  seriesOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { fillUntilComplete, recordBatch } from '../src/index.ts';
import { readArbitraries, readingWorld, startOf } from './reading-world.ts';
import { batchOf, callOf, DAY_MS, dashboardOracle, holds, seriesOracle } from './support.ts';

const FILTER: CellFilter = { agent: ['ada', ''] };
const MOVES = 60;

test('a range and the one before', async (t) => {
  const { world, ledger, offsets, count, halfCounted, reader, series, cells, filler } = await readingWorld(t);

  /** All that can be asked of both ranges, each answer beside what the calls say. */
  const ask = async (
    userId: string,
    range: Range,
    previous: Range,
    nowMs: number,
    interval: Interval = 'day',
  ) => {
    const both = { range: previous, series: seriesOf(previous, interval) };
    const buckets = seriesOf(range, interval);
    const dashboards = [
      await reader.read(userId, range, nowMs, previous),
      await cells.dashboard(userId, range, FILTER, nowMs, previous),
    ];
    const all = [
      await series.read(userId, range, buckets, nowMs, both),
      await cells.series(userId, range, buckets, FILTER, nowMs, both),
    ];
    return {
      sources: [...dashboards, ...all].map(({ source }) => source),
      told: [
        ...dashboards.map(({ source: _, asOfMs: __, ...told }) => told),
        ...all.map(({ tallies, previous }) => ({ tallies, previous })),
      ],
    };
  };
  const expected = (
    calls: readonly Call[],
    range: Range,
    previous: Range,
    nowMs: number,
    interval: Interval = 'day',
  ) => {
    const filtered = calls.filter((call) => matchesFilter(call, FILTER));
    return [
      ...[calls, filtered].map((some) => ({
        ...dashboardOracle(some, range, nowMs),
        previous: dashboardOracle(some, previous, nowMs).range,
      })),
      ...[calls, filtered].map((some) => ({
        tallies: seriesOracle(some, range, interval),
        previous: seriesOracle(some, previous, interval),
      })),
    ];
  };

  await t.test('any two ranges, which may overlap: both are what a plain oracle says', async (t) => {
    const nowMs = Date.now();
    const seen = new Map<string, number>();
    const { someTime, cold, clock } = readArbitraries(nowMs);
    const some = fc.oneof(
      fc
        .tuple(someTime, fc.integer({ min: 1, max: 80 * DAY_MS }))
        .map(([from, lengthMs]): Range => ({ from, until: from + lengthMs })),
      // Whole days.
      fc
        .tuple(someTime, fc.integer({ min: 1, max: 40 }))
        .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
      // Within one day.
      fc
        .tuple(someTime, fc.integer({ min: 1, max: DAY_MS }))
        .map(([from, lengthMs]): Range => ({ from, until: from + lengthMs })),
    );
    const pairs = fc.oneof(
      some.map((range) => ({ range, previous: rangeBefore(range) })),
      fc.record({ range: some, previous: some }),
    );
    const someCall = fc.record({
      startedAt: someTime,
      durationMs: fc.nat(1_000_000),
      agentId: fc.constantFrom('ada', 'bob'),
    });
    let run = 0;
    const property = fc.asyncProperty(
      fc.array(someCall, { maxLength: 16 }),
      fc.array(fc.record({ pair: pairs, cold, clock, interval: fc.constantFrom(...INTERVALS) }), {
        minLength: 1,
        maxLength: 3,
      }),
      async (given, reads) => {
        run += 1;
        const userId = `u-any-${run}`;
        const calls = given.map((call) => callOf(userId, call));
        await count(calls);
        for (const { pair, cold, clock, interval } of reads) {
          if (cold) await world.admin.del(`ct2:{${userId}}`);
          const { range, previous } = pair;
          const { told, sources } = await ask(userId, range, previous, clock, interval);
          assert.deepEqual(told, expected(calls, range, previous, clock, interval));
          for (const source of sources) seen.set(source, (seen.get(source) ?? 0) + 1);
          if (sources.includes('mongo')) await filler.idle();
        }
      },
    );
    await holds(t, property, 60);
    t.comment([...seen]);
    for (const source of ['counters', 'counters+mongo', 'mongo']) {
      t.ok(seen.has(source), `${source}: ${seen.get(source)} answers`);
    }
  });

  await t.test('rows that are not applied yet are in neither of them', async (t) => {
    const nowMs = startOf(Date.now()) + DAY_MS / 2;
    const day = startOf(nowMs) - 5 * DAY_MS;
    const { counted, late, count } = await halfCounted(day);
    const range = { from: day + 15, until: day + DAY_MS + 500 };
    const previous = { from: day + 5, until: day + 15 };
    const { told, sources } = await ask('u-cut', range, previous, nowMs);
    t.strictSame(told, expected(counted, range, previous, nowMs));
    t.ok(sources.every((source) => source === 'counters+mongo'));
    await count();
    t.strictSame(
      (await ask('u-cut', range, previous, nowMs)).told,
      expected([...counted, ...late], range, previous, nowMs),
    );
  });

  await t.test('a call that is moved from one to the other is always in exactly one of them', async (t) => {
    const nowMs = startOf(Date.now()) + DAY_MS / 2;
    const border = nowMs - 4 * DAY_MS;
    const pairs = [startOf(border), border].map((from) => ({
      range: { from, until: nowMs + 1 },
      previous: { from: from - 3 * DAY_MS, until: from },
    }));
    const call = callOf('u-moved', { startedAt: border + 60_000 });
    let revision = 0;
    const move = async () => {
      const before = revision % 2 === 0;
      const startedAt = before ? startOf(border) - 60_000 : border + 60_000;
      revision += 1;
      const event = { offset: offsets[0]!++, call: { ...call, revision, startedAt } };
      await recordBatch(ledger, batchOf(0, [event]));
    };
    await count([call]);
    let isDone = false;
    const writing = (async () => {
      for (let i = 0; i < MOVES; i++) {
        await move();
        if (i % 20 === 10) await world.admin.del('ct2:{u-moved}');
        if (i % 20 === 15) await fillUntilComplete(ledger, ['u-moved']);
      }
    })().finally(() => {
      isDone = true;
    });
    const seen = new Map<string, number>();
    while (!isDone) {
      for (const { range, previous } of pairs) {
        const { told, sources } = await ask('u-moved', range, previous, nowMs);
        for (const [i, one] of told.entries()) {
          const sums =
            'tallies' in one
              ? [...one.tallies, ...one.previous!].map(({ calls }) => calls)
              : [one.range.calls, one.previous!.calls];
          assert.equal(
            sums.reduce((sum, calls) => sum + calls, 0),
            1,
            `${i} from ${sources[i]}`,
          );
          seen.set(sources[i]!, (seen.get(sources[i]!) ?? 0) + 1);
        }
      }
    }
    await writing;
    t.comment([...seen]);
    t.ok(seen.has('counters') && seen.has('counters+mongo'));
  });
});
