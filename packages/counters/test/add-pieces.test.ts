import { strict as assert } from 'node:assert';
import { dayOf, defaultWindowDays, type Tally } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addPieces,
  applyEvents,
  type CountableEvent,
  type FillProgress,
  forgetUsers,
  NOTHING_FILLED,
  type Piece,
  readBuckets,
  readFillStatuses,
  readSegments,
  readWindowSums,
  snapshotUser,
} from '../src/index.ts';
import { DAY_MS, holds, opened, oracle, sumsOf, tallyOf, testCounters } from './support.ts';

const NOW = Date.UTC(2025, 5, 15, 12);
const TODAY = dayOf(NOW);
const BASE = new Map([
  ['0:0', 10],
  ['0:1', 20],
]);
const ONE = { calls: 1, durationMs: 1 };
/** Beyond every call, and beyond what is kept. */
const EVER = -Infinity;

test('filling a user', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const open = async (userId: string, nowMs = NOW, base: ReadonlyMap<string, number> = BASE) =>
    (await opened(counters, [userId], nowMs, base))[0]!;
  const fill = (
    filling: FillProgress,
    userId: string,
    days: [number, Tally][],
    fromMs: number,
    partitions = ['0:0'],
  ) =>
    addPieces(session, generations, [{ filling, sums: sumsOf(userId, days, partitions), fromMs }]).then(
      ([filled]) => filled,
    );
  const apply = (userId: string, partition: string, offset: number, startedAt = NOW) =>
    applyEvents(session, generations, partition, [
      { userId, events: [{ offset, startedAt, durationMs: 1 }] },
    ]).then(([applied]) => applied);
  const everythingOf = async (userId: string) => {
    const keys = (await admin.keys(`ct2:{${userId}}*`)).sort();
    return Promise.all(keys.map(async (key) => [key, await admin.hgetall(key)]));
  };

  await t.test('a single piece: the hash of a complete user is as it has always been', async (t) => {
    const filling = await open('u-1');
    const days: [number, Tally][] = [
      [TODAY, { calls: 2, durationMs: 30 }],
      [TODAY - 1, { calls: 1, durationMs: 5 }],
      [TODAY - 40, { calls: 4, durationMs: 2 ** 52 }],
    ];
    t.equal(await fill(filling, 'u-1', days, EVER), true);
    t.strictSame(await admin.hgetall('ct2:{u-1}'), {
      g: [...generations.values()][0]!.id,
      w: '1',
      f: String(filling.fromDay),
      x: String(TODAY * DAY_MS),
      n: String(NOW),
      'a:0:0': '10',
    });
    const snapshot = (await snapshotUser(session, generations, 'u-1', NOW))!;
    t.equal(snapshot.sinceMs, undefined);
    t.strictSame(snapshot.appliedThrough, new Map([['0:0', 10]]));
    t.strictSame(
      snapshot.buckets,
      new Map([
        ['m:664', { calls: 4, durationMs: 2 ** 52 }],
        ['m:664:6', { calls: 4, durationMs: 2 ** 52 }],
        ['m:665', { calls: 3, durationMs: 35 }],
        ['m:665:14', { calls: 1, durationMs: 5 }],
        ['m:665:15', { calls: 2, durationMs: 30 }],
        ['w:2025:2888', { calls: 4, durationMs: 2 ** 52 }],
        ['w:2025:2893', { calls: 3, durationMs: 35 }],
      ]),
    );
    t.strictSame((await readBuckets(session, generations, 'u-1', NOW, []))!.window, {
      calls: 3,
      durationMs: 35,
    });
    t.equal(await apply('u-1', '0:0', 10), 0, 'through base');
    t.equal(await apply('u-1', '0:0', 11), 1, 'beyond it');
    t.equal(await apply('u-1', '0:1', 3), 1, 'a partition without rows');
  });

  await t.test('a piece is added once, and only as the next one of the fill it was summed for', async (t) => {
    const filling = await open('u-2');
    const first = NOW - 31 * DAY_MS;
    const second = NOW - 60 * DAY_MS;
    t.equal(await fill(filling, 'u-2', [[TODAY, ONE]], first), true);
    const then = { ...filling, sinceMs: first };
    t.strictSame(await readFillStatuses(session, generations, ['u-2']), [then]);
    const held = await everythingOf('u-2');
    const refused = async (what: string, piece: FillProgress, fromMs = second) => {
      t.equal(await fill(piece, 'u-2', [[TODAY - 40, ONE]], fromMs), false, what);
      t.strictSame(await everythingOf('u-2'), held, `${what}: nothing is touched`);
    };
    await refused('the same piece', filling, first);
    await refused('another one from the same since', filling, second);
    await refused('the last one from the same since', filling, EVER);
    await refused('one that comes too early', { ...then, sinceMs: second });
    await refused('one of another fill', { ...then, fillId: 'other' });
    t.equal(await fill(then, 'u-2', [[TODAY - 40, ONE]], second), true);
    t.equal(await fill({ ...then, sinceMs: second }, 'u-2', [], EVER, []), true);
    t.strictSame(await readFillStatuses(session, generations, ['u-2']), ['complete']);
    t.equal(await fill({ ...then, sinceMs: second }, 'u-2', [[TODAY, ONE]], EVER), false, 'complete');
    const { buckets } = (await snapshotUser(session, generations, 'u-2', NOW))!;
    t.strictSame([...buckets].filter(([name]) => /^m:\d+$/.test(name)).sort(), [
      ['m:664', ONE],
      ['m:665', ONE],
    ]);
  });

  await t.test('a piece of a user who was forgotten or reopened adds nothing', async (t) => {
    const filling = await open('u-3');
    await forgetUsers(session, ['u-3']);
    t.equal(await fill(filling, 'u-3', [[TODAY, ONE]], EVER), false);
    t.equal(await admin.exists('ct2:{u-3}'), 0);
    const again = await open('u-3');
    t.equal(await fill(filling, 'u-3', [[TODAY, ONE]], EVER), false);
    t.strictSame(await readFillStatuses(session, generations, ['u-3']), [again]);
    t.equal(await fill({ ...again, sinceMs: 0 }, 'u-3', [[TODAY, ONE]], EVER), false);
    t.strictSame(await admin.keys('ct2:{u-3}:*'), []);
    await admin.hset('ct2:{u-3}', 'g', 'another');
    t.equal(await fill(again, 'u-3', [[TODAY, ONE]], EVER), false, 'of another generation');
  });

  await t.test(
    'applied through: stays if events were applied meanwhile, else becomes the offset in base',
    async (t) => {
      const filling = await open('u-4');
      t.equal(await apply('u-4', '0:0', 15), 1);
      t.equal(await fill(filling, 'u-4', [[TODAY, ONE]], 0, ['0:0', '0:1']), true);
      const at = async () => (await snapshotUser(session, generations, 'u-4', NOW))!.appliedThrough;
      const both = new Map([
        ['0:0', 15],
        ['0:1', 20],
      ]);
      t.strictSame(await at(), both);
      t.equal(await fill({ ...filling, sinceMs: 0 }, 'u-4', [], EVER, []), true);
      t.strictSame(await at(), both, 'without base, too');
      t.equal(await apply('u-4', '0:0', 15), 0);
      t.equal(await apply('u-4', '0:1', 20), 0);
      t.equal(await apply('u-4', '0:1', 21), 1);
    },
  );

  await t.test('the latest start covers counted and filled calls', async (t) => {
    const latest = async () => (await snapshotUser(session, generations, 'u-5', NOW))!.lastStartedAt;
    const filling = await open('u-5');
    t.equal(await latest(), -1);
    t.equal(await fill(filling, 'u-5', [[TODAY - 3, ONE]], NOW - 5 * DAY_MS), true);
    t.equal(await latest(), (TODAY - 3) * DAY_MS);
    await apply('u-5', '0:0', 11, NOW);
    t.equal(await fill({ ...filling, sinceMs: NOW - 5 * DAY_MS }, 'u-5', [[TODAY - 9, ONE]], 0), true);
    t.equal(await latest(), NOW);
    t.equal(await fill({ ...filling, sinceMs: 0 }, 'u-5', [], EVER, []), true);
    t.equal(await latest(), NOW);
  });

  await t.test(
    'the default window is answered once all of its days are complete, and moves along',
    async (t) => {
      const start = (TODAY - defaultWindowDays + 1) * DAY_MS;
      const filling = await open('u-6');
      t.equal(await fill(filling, 'u-6', [[TODAY, ONE]], start + 1), true);
      const read = () => readBuckets(session, generations, 'u-6', NOW, []);
      t.equal(await read(), undefined, 'a millisecond of its first day is missing');
      t.equal(await readWindowSums(session, generations, 'u-6', NOW), undefined);
      const units = async () => (await readSegments(session, generations, 'u-6', NOW, []))?.available.fromDay;
      t.equal(await units(), undefined, 'the same of a series');
      const first = { calls: 3, durationMs: 8 };
      t.equal(
        await fill(
          { ...filling, sinceMs: start + 1 },
          'u-6',
          [[TODAY - defaultWindowDays + 1, first]],
          start,
        ),
        true,
      );
      t.match(await read(), { window: { calls: 4, durationMs: 9 }, today: 1 });
      t.equal((await read())!.available.fromDay, TODAY - defaultWindowDays + 1);
      t.equal(await units(), TODAY - defaultWindowDays + 1, 'the first day that is complete');
      t.strictSame((await readWindowSums(session, generations, 'u-6', NOW))!.window, {
        calls: 4,
        durationMs: 9,
      });
      t.equal(await apply('u-6', '0:0', 11), 1);
      t.equal(await fill({ ...filling, sinceMs: start }, 'u-6', [[TODAY - 50, ONE]], EVER), true);
      t.strictSame((await readWindowSums(session, generations, 'u-6', NOW))!.window, {
        calls: 5,
        durationMs: 10,
      });
      t.equal(await units(), filling.fromDay);
    },
  );

  await t.test('800 days are one piece', async (t) => {
    const nowMs = Date.now();
    const today = dayOf(nowMs);
    const filling = await open('u-7', nowMs);
    const days = Array.from({ length: 800 }, (_, i): [number, Tally] => [
      today - i,
      { calls: i + 1, durationMs: 2 ** 40 + i },
    ]);
    t.equal(await fill(filling, 'u-7', days, EVER), true);
    const { buckets } = (await snapshotUser(session, generations, 'u-7', nowMs))!;
    const sumOf = (kind: RegExp) =>
      [...buckets].reduce((sum, [name, { calls }]) => (kind.test(name) ? sum + calls : sum), 0);
    for (const kind of [/^m:\d+$/, /^m:\d+:/, /^w:/]) t.equal(sumOf(kind), 320_400, String(kind));
  });

  await t.test('days that are no longer kept are not written, days slightly ahead are', async (t) => {
    // Redis expires buckets by its own clock.
    const nowMs = Date.now();
    const today = dayOf(nowMs);
    const filling = await open('u-8', nowMs);
    const days: [number, Tally][] = [filling.fromDay - 1, filling.fromDay, today + 1].map((day) => [
      day,
      ONE,
    ]);
    t.equal(await fill(filling, 'u-8', days, EVER), true);
    t.equal((await readBuckets(session, generations, 'u-8', nowMs + DAY_MS, []))!.today, 1);
    const { buckets } = (await snapshotUser(session, generations, 'u-8', nowMs))!;
    t.equal([...buckets].filter(([name]) => /^m:\d+$/.test(name)).length, 2);
  });

  await t.test('more than fits into one pipeline is filled, in the order given', async (t) => {
    const users = Array.from({ length: 60 }, (_, i) => `u-many-${i}`);
    const fillings = await opened(counters, users, NOW, BASE);
    const days = Array.from({ length: 200 }, (_, i): [number, Tally] => [TODAY - i, ONE]);
    const pieces = users.map((userId, i): Piece => {
      const filling = i % 3 === 0 ? { ...fillings[i]!, fillId: 'other' } : fillings[i]!;
      return { filling, sums: sumsOf(userId, days), fromMs: EVER };
    });
    t.strictSame(
      await addPieces(session, generations, pieces),
      users.map((_, i) => i % 3 !== 0),
    );
  });

  await t.test('every bucket that is filled in expires', async (t) => {
    const keys = await admin.keys('ct2:{u-*');
    t.ok(keys.length > 100);
    const ttls = await Promise.all(keys.map((key) => admin.ttl(key)));
    t.strictSame(
      keys.filter((_, i) => ttls[i]! <= 0),
      [],
    );
  });

  await t.test(
    'pieces of any sizes, in any order with events beyond base: readers are right all the time',
    async (t) => {
      const call = fc.record({
        startedAt: fc.integer({ min: NOW - 90 * DAY_MS, max: NOW }),
        durationMs: fc.nat(1_000),
        partition: fc.nat(1),
        correction: fc.constantFrom<CountableEvent['correction'][]>(
          { sign: 1 as const, needs: [] },
          { sign: -1 as const, needs: [] },
          undefined,
        ),
      });
      const step = fc.oneof(
        fc.record({ back: fc.integer({ min: 1, max: 40 * DAY_MS }) }),
        fc.record({ late: call }),
      );
      let run = 0;
      const property = fc.asyncProperty(
        fc.array(call, { maxLength: 30 }),
        fc.array(step, { minLength: 1, maxLength: 20 }),
        async (rows, steps) => {
          const userId = `u-any-${run++}`;
          let filling = await open(userId);
          let offset = 100;
          const counted = [...rows];
          const pieceFrom = async (fromMs: number) => {
            const own = rows.filter((row) => row.startedAt >= fromMs && row.startedAt < filling.sinceMs);
            const days = [...new Set(own.map((row) => dayOf(row.startedAt)))].map((day): [number, Tally] => [
              day,
              tallyOf(own.filter((row) => dayOf(row.startedAt) === day)),
            ]);
            const sums = {
              ...sumsOf(
                userId,
                days,
                own.map(({ partition }) => `0:${partition}`),
              ),
              lastStartedAt: oracle(own, NOW).lastStartedAt,
              hasCorrections: own.some(({ correction }) => correction),
            };
            assert.deepEqual(await addPieces(session, generations, [{ filling, sums, fromMs }]), [true]);
            filling = { ...filling, sinceMs: fromMs };
          };
          const look = async () => {
            const { today, thisWeek, thisMonth, window, lastStartedAt } = oracle(counted, NOW);
            const reading = await readBuckets(session, generations, userId, NOW, []);
            const isComplete = filling.sinceMs <= (TODAY - defaultWindowDays + 1) * DAY_MS;
            assert.equal(reading !== undefined, isComplete);
            if (reading === undefined) return;
            const { available, range, appliedThrough: applied, isFilling, hasCorrections, ...said } = reading;
            const isCorrected = counted.some(({ correction }) => correction);
            assert.equal(hasCorrections, isFilling === true || isCorrected);
            assert.equal(isFilling === true, filling.sinceMs !== EVER);
            assert.deepEqual(said, { today, thisWeek, thisMonth, window });
            if (filling.sinceMs === EVER) assert.equal(available.lastStartedAt, lastStartedAt);
          };
          for (const one of steps) {
            if ('late' in one) {
              const { partition, correction, ...late } = { ...one.late, offset: ++offset };
              const event = { ...late, ...(correction && { correction }) };
              const users = [{ userId, events: [event] }];
              assert.deepEqual(await applyEvents(session, generations, `0:${partition}`, users), [1]);
              counted.push(one.late);
            } else {
              await pieceFrom((filling.sinceMs === NOTHING_FILLED ? NOW : filling.sinceMs) - one.back);
            }
            await look();
          }
          await pieceFrom(EVER);
          await look();
        },
      );
      await holds(t, property, 100);
    },
  );
});
