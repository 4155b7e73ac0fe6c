import { strict as assert } from 'node:assert';
import type { Call, Range } from '@calltally/domain';
import { openStore } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { type AnswerSource, fillUntilComplete, recordBatch } from '../src/index.ts';
import { begin, readArbitraries, readingWorld, startOf } from './reading-world.ts';
import { batchOf, callOf, DAY_MS, dashboardOracle, holds, testReader, until } from './support.ts';

const SHORT_LIMITS = { commandTimeoutMs: 1_500, openTimeoutMs: 1_500 };

/** The default window of a dashboard at an instant. */
function windowAt(nowMs: number): Range {
  return { from: Math.floor(nowMs / DAY_MS) * DAY_MS - 30 * DAY_MS, until: nowMs + 1 };
}

test('reading dashboards', async (t) => {
  const { world, store, offsets, count, halfCounted, reader, filler, link, rowsAsOf } = await readingWorld(t);
  const answer = async (userId: string, range: Range, nowMs: number) => {
    const { source, asOfMs, ...tallies } = await reader.read(userId, range, nowMs);
    return { source, asOfMs, tallies };
  };

  await t.test(
    'any range, any clock, any calls, also ahead of the clock: always the answer of a plain oracle',
    async (t) => {
      const nowMs = Date.now();
      const seen = new Map<string, number>();
      const { someTime, cold, clock } = readArbitraries(nowMs);
      const someRead = fc.record({
        cold,
        clock,
        range: fc.oneof(
          fc.constant('window' as const),
          fc
            .tuple(someTime, someTime)
            .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) + 1 })),
          // Whole days.
          fc
            .tuple(someTime, fc.integer({ min: 1, max: 90 }))
            .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
          // Within one day.
          fc
            .tuple(someTime, fc.integer({ min: 1, max: DAY_MS }))
            .map(([from, length]): Range => ({ from, until: from + length })),
          fc.constant<Range>({ from: 0, until: nowMs + 400 * DAY_MS }),
        ),
      });
      const someCall = fc.record({ startedAt: someTime, durationMs: fc.nat(1_000_000) });
      let run = 0;
      const property = fc.asyncProperty(
        fc.array(fc.array(someCall, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
        fc.array(someRead, { minLength: 1, maxLength: 5 }),
        async (batches, reads) => {
          run += 1;
          const userId = `u-any-${run}`;
          const calls: Call[] = [];
          for (const batch of batches) {
            const more = batch.map((call) => callOf(userId, call));
            await count(more);
            calls.push(...more);
            for (const { clock, cold, range: asked } of reads) {
              const range = asked === 'window' ? windowAt(clock) : asked;
              if (cold) await world.admin.del(`ct2:{${userId}}`);
              const { source, tallies } = await answer(userId, range, clock);
              assert.deepEqual(tallies, dashboardOracle(calls, range, clock));
              seen.set(source, (seen.get(source) ?? 0) + 1);
              if (source === 'mongo') await filler.idle();
            }
          }
        },
      );
      await holds(t, property, 120);
      for (const source of ['counters', 'counters+mongo', 'mongo'] satisfies AnswerSource[]) {
        t.ok(seen.has(source), `${source}: ${seen.get(source)} answers`);
      }
    },
  );

  await t.test(
    'a cold user is answered from rows at once and from counters afterwards, with the same numbers',
    async (t) => {
      const nowMs = Date.now();
      const calls = Array.from({ length: 40 }, (_, i) => callOf('u-cold', { startedAt: nowMs - i * DAY_MS }));
      await count(calls);
      await world.admin.del('ct2:{u-cold}');
      const range = windowAt(nowMs);
      const cold = await answer('u-cold', range, nowMs);
      t.equal(cold.source, 'mongo');
      t.strictSame(cold.tallies, dashboardOracle(calls, range, nowMs));
      await filler.idle();
      const warm = await answer('u-cold', range, nowMs);
      t.equal(warm.source, 'counters');
      t.strictSame(warm.tallies, cold.tallies);
      t.strictSame(await answer('u-cold', range, nowMs), warm, 'and by the sums left ready');
    },
  );

  await t.test(
    'the default window and whole days come from counters, cut days from both, older days also from rows',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const calls = Array.from({ length: 300 }, (_, i) =>
        callOf('u-paths', { startedAt: nowMs - i * (DAY_MS / 2) }),
      );
      await count(calls);
      const day = startOf(nowMs);
      const paths: [string, Range, AnswerSource][] = [
        ['default window', windowAt(nowMs), 'counters'],
        ['whole days', { from: day - 20 * DAY_MS, until: day - 3 * DAY_MS }, 'counters'],
        ['to the end of today', { from: day - 2 * DAY_MS, until: day + DAY_MS }, 'counters'],
        ['far ahead', { from: day - 50 * DAY_MS, until: day + 900 * DAY_MS }, 'counters'],
        ['nothing yet', { from: day + 2 * DAY_MS, until: day + 3 * DAY_MS }, 'counters'],
        ['cut at both ends', { from: day - 20 * DAY_MS + 1, until: day - 3 * DAY_MS + 5 }, 'counters+mongo'],
        [
          'complements at both ends',
          { from: day - 20 * DAY_MS + 5, until: day - 3 * DAY_MS - 5 },
          'counters+mongo',
        ],
        ['within one day', { from: day - 3 * DAY_MS + 1, until: day - 3 * DAY_MS + 9 }, 'counters+mongo'],
        ['beyond retention', { from: 0, until: nowMs + 1 }, 'counters+mongo'],
      ];
      for (const [name, range, source] of paths) {
        const given = await answer('u-paths', range, nowMs);
        t.strictSame(given.tallies, dashboardOracle(calls, range, nowMs), name);
        t.equal(given.source, source, name);
      }
    },
  );

  await t.test(
    'a call ahead of the clock is in today, this week and this month, and not in a range that ends now',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const calls = [
        callOf('u-ahead', { startedAt: nowMs - 5 }),
        callOf('u-ahead', { startedAt: nowMs + 240_000 }),
      ];
      await count(calls);
      for (const [clock, source] of [
        [nowMs, 'counters+mongo'],
        [nowMs + 240_000, 'counters'],
      ] as const) {
        const given = await answer('u-ahead', windowAt(clock), clock);
        t.strictSame(given.tallies, dashboardOracle(calls, windowAt(clock), clock));
        t.equal(given.source, source);
        t.equal(given.tallies.today, 2);
      }
    },
  );

  await t.test(
    'an answer from both is of one cut: rows that are not applied yet are in neither half',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const day = startOf(nowMs) - 5 * DAY_MS;
      const { counted, late, count } = await halfCounted(day);
      const ranges = [
        { from: day + 15, until: day + 2 * DAY_MS },
        { from: day + 5, until: day + DAY_MS - 5 },
        { from: day + 15, until: day + DAY_MS + 500 },
        { from: 0, until: day + 15 },
      ];
      for (const range of ranges) {
        const { source, tallies } = await answer('u-cut', range, nowMs);
        t.equal(source, 'counters+mongo');
        t.strictSame(tallies, dashboardOracle(counted, range, nowMs));
      }
      await count();
      for (const range of ranges) {
        t.strictSame(
          (await answer('u-cut', range, nowMs)).tallies,
          dashboardOracle([...counted, ...late], range, nowMs),
        );
      }
    },
  );

  await t.test('an answer tells its as-of, whichever store gave it', async (t) => {
    const nowMs = Date.now();
    await count([callOf('u-as-of'), callOf('u-as-of')]);
    const asOf = 1_000 + offsets[0]! + offsets[1]!;
    const lowest = await until(
      () => link.current?.asOfMs,
      (now) => now === asOf || now === asOf - 1,
    );
    const warm = await answer('u-as-of', windowAt(nowMs), nowMs);
    t.equal(warm.asOfMs, lowest);
    await world.admin.del('ct2:{u-as-of}');
    await until(
      () => rowsAsOf.current,
      (now) => now === lowest,
    );
    const cold = await answer('u-as-of', windowAt(nowMs), nowMs);
    t.equal(cold.source, 'mongo');
    t.equal(cold.asOfMs, rowsAsOf.current);
  });

  await t.test(
    'while calls are counted, no answer shows less than an earlier one, nor more than was sent',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const userId = 'u-growing';
      const edge = nowMs - 4 * DAY_MS;
      const ranges = [windowAt(nowMs), { from: edge, until: nowMs + 1 }, { from: 0, until: nowMs + 1 }];
      await count([callOf(userId, { startedAt: edge + 1 })]);
      let sent = 1;
      let done = false;
      const writing = (async () => {
        for (let i = 0; i < 40; i++) {
          const calls = Array.from({ length: 3 }, (_, j) =>
            callOf(userId, { startedAt: edge + ((i + j) % 2 === 0 ? 1 : DAY_MS) + i }),
          );
          sent += calls.length;
          await count(calls);
        }
        done = true;
      })();
      const reading = ranges.map(async (range) => {
        let last = 0;
        let reads = 0;
        while (!done) {
          const { tallies } = await answer(userId, range, nowMs);
          assert.ok(tallies.range.calls >= last, `${tallies.range.calls} after ${last}`);
          assert.ok(tallies.range.calls <= sent);
          last = tallies.range.calls;
          reads += 1;
        }
        return reads;
      });
      const reads = await Promise.all(reading);
      await writing;
      t.ok(
        reads.every((count) => count > 0),
        `${reads} reads`,
      );
      for (const range of ranges) t.equal((await answer(userId, range, nowMs)).tallies.range.calls, sent);
    },
  );

  await t.test('Redis hung or gone: answered from rows; back: from counters again', async (t) => {
    const nowMs = Date.now();
    const { reader } = await testReader(t, world, store, SHORT_LIMITS);
    const answer = async (userId: string, range: Range, nowMs: number) => {
      const { source, asOfMs, ...tallies } = await reader.read(userId, range, nowMs);
      return { source, tallies };
    };
    const calls = [
      callOf('u-hung', { startedAt: nowMs - 1 }),
      callOf('u-hung', { startedAt: nowMs - 50 * DAY_MS }),
    ];
    await count(calls);
    const range = windowAt(nowMs);
    const expected = dashboardOracle(calls, range, nowMs);
    const fromCounters = () =>
      until(
        () => answer('u-hung', range, nowMs),
        ({ source }) => source === 'counters',
      );
    t.equal((await fromCounters()).source, 'counters');
    process.kill(world.redis.pid!, 'SIGSTOP');
    try {
      const answers = await Promise.all([1, 2, 3].map(() => answer('u-hung', range, nowMs)));
      for (const { source, tallies } of [...answers, await answer('u-hung', range, nowMs)]) {
        t.equal(source, 'mongo');
        t.strictSame(tallies, expected);
      }
    } finally {
      process.kill(world.redis.pid!, 'SIGCONT');
    }
    const again = await fromCounters();
    t.strictSame(again.tallies, expected);
    t.equal(again.source, 'counters');

    await world.redis.stop();
    const gone = await answer('u-hung', range, nowMs);
    t.equal(gone.source, 'mongo');
    t.strictSame(gone.tallies, expected);
    await world.redis.start();
    t.equal((await fromCounters()).source, 'counters');
  });

  await t.test(
    'Mongo gone: whole days from counters, the rest is LEDGER_UNAVAILABLE; both gone: everything is',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const calls = [
        callOf('u-gone', { startedAt: nowMs - 1 }),
        callOf('u-gone', { startedAt: nowMs - 9 * DAY_MS }),
      ];
      const again = await begin(world);
      await recordBatch(
        again,
        batchOf(
          0,
          calls.map((call) => ({ offset: offsets[0]!++, call })),
        ),
      );
      await fillUntilComplete(again, ['u-gone']);
      const nowhere = openStore({
        uri: 'mongodb://127.0.0.1:1',
        database: 'none',
        timeoutMs: 300,
        selectionTimeoutMs: 200,
      });
      t.teardown(() => nowhere.close());
      const { reader } = await testReader(t, world, nowhere);
      const unavailable = { name: 'LedgerError', code: 'LEDGER_UNAVAILABLE', retryable: true };

      const { source, range } = await reader.read('u-gone', windowAt(nowMs), nowMs);
      t.strictSame({ source, calls: range.calls }, { source: 'counters', calls: 2 });
      await t.rejects(
        reader.read('u-gone', { from: nowMs - 9 * DAY_MS, until: nowMs - 4 * DAY_MS + 7 }, nowMs),
        unavailable,
      );
      await t.rejects(reader.read('u-cold-and-gone', windowAt(nowMs), nowMs), unavailable);

      await world.redis.stop('SIGKILL');
      await t.rejects(reader.read('u-gone', windowAt(nowMs), nowMs), unavailable);
    },
  );
});
