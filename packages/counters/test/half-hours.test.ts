import { strict as assert } from 'node:assert';
import {
  dayOf,
  firstDayOfMonth,
  firstHalfHourOfMonth,
  type HalfHours,
  halfHourOf,
  monthOf,
  type Tally,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addPieces,
  applyEvents,
  type CountableEvent,
  ensureGenerations,
  type FillProgress,
  firstDayWithDetail,
  firstDayWithHalfHours,
  forgetUsers,
  keepsDetail,
  readSegments,
  snapshotUser,
  type UserDaySums,
} from '../src/index.ts';
import { DAY_MS, holds, opened, RETENTION_MONTHS, sumsOf, tallyOf, testCounters, warm } from './support.ts';

const NOW = Date.now();
const MONTH = monthOf(dayOf(NOW));
const HALF_HOUR_MS = 1_800_000;
/** Months that some of the calls here lie in. */
const MONTHS = [-5, -4, -3, -2, -1, 0, 1].map((ahead) => MONTH + ahead);
/** Of a user who is filled: what lies at or below it comes by pieces. */
const BASE = 1_000;

type Counted = Pick<CountableEvent, 'startedAt' | 'durationMs' | 'correction'>;

/** By the plain events, without half-hours of which nothing is left. */
function tallied(events: readonly Counted[], isIn: (month: number) => boolean): [number, Tally][] {
  const byHalfHour = new Map<number, Counted[]>();
  for (const event of events) {
    if (!isIn(monthOf(dayOf(event.startedAt)))) continue;
    const halfHour = Math.floor(event.startedAt / HALF_HOUR_MS);
    byHalfHour.set(halfHour, [...(byHalfHour.get(halfHour) ?? []), event]);
  }
  return [...byHalfHour]
    .map(([halfHour, some]): [number, Tally] => [halfHour, tallyOf(some)])
    .filter(([, { calls, durationMs }]) => calls !== 0 || durationMs !== 0)
    .sort(([a], [b]) => a - b);
}

/** What rows would give of some events. */
function pieceOf(userId: string, events: readonly Counted[]): UserDaySums {
  const byDay = new Map<number, Counted[]>();
  for (const event of events) {
    const day = dayOf(event.startedAt);
    byDay.set(day, [...(byDay.get(day) ?? []), event]);
  }
  const days = [...byDay].map(([day, some]): [number, Tally] => [day, tallyOf(some)]);
  return {
    ...sumsOf(userId, days, ['0:0']),
    detail: {
      cells: days.map(([day, tally]) => ({ day, cell: {}, ...tally })),
      halfHours: tallied(events, () => true),
    },
  };
}

function halfHoursOf(month: number, first = 0, last = 48 * 31): HalfHours {
  const start = firstHalfHourOfMonth(month);
  const end = firstHalfHourOfMonth(month + 1) - 1;
  return {
    kind: 'half-hours',
    month,
    first: Math.min(start + first, end),
    last: Math.min(start + last, end),
    sign: 1,
  };
}

const event = fc.record({
  startedAt: fc.oneof(
    fc.integer({ min: NOW - 130 * DAY_MS, max: NOW + DAY_MS }),
    // In few half-hours, at their ends, so that some have many calls.
    fc
      .tuple(fc.nat(40), fc.constantFrom(0, 1, 47), fc.constantFrom(-1, 0, 1))
      .map(([ago, halfHour, off]) => (dayOf(NOW) - ago) * DAY_MS + halfHour * HALF_HOUR_MS + off),
  ),
  durationMs: fc.oneof(fc.nat(10_000), fc.nat(604_800_000), fc.constant(2 ** 40)),
  isTaken: fc.constantFrom(false, false, false, true),
  repeat: fc.constantFrom(1, 1, 1, 200),
});
const events = fc.array(event, { maxLength: 20 }).map((some) =>
  some.flatMap(({ repeat, isTaken, ...one }) => {
    const counted: Counted = { ...one, ...(isTaken && { correction: { sign: -1 as const, needs: [] } }) };
    return Array.from({ length: repeat }, () => counted);
  }),
);

test('sums by half-hour', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const apply = async (userId: string, some: readonly Counted[], from = BASE + 1) => {
    const numbered = some.map((one, i) => ({ ...one, offset: from + i }));
    const [applied] = await applyEvents(session, generations, '0:0', [{ userId, events: numbered }]);
    return applied;
  };
  const fill = (userId: string, filling: FillProgress, some: readonly Counted[], fromMs = -Infinity) =>
    addPieces(session, generations, [{ filling, sums: pieceOf(userId, some), fromMs }]);
  const read = (userId: string, segments: Parameters<typeof readSegments>[4]) =>
    readSegments(session, generations, userId, NOW, segments);
  const keysOf = async (userId: string) => (await admin.keys(`ct2:{${userId}}:h:*`)).sort();
  const keyOf = (userId: string, month: number) => `ct2:{${userId}}:h:${month}`;
  const isKept = (month: number) => keepsDetail(month, NOW);
  const readableMonths = MONTHS.filter((month) => firstDayOfMonth(month) >= firstDayWithDetail(dayOf(NOW)));
  let run = 0;

  await t.test(
    'any batches and pieces in any order, repeated and corrected, are what the events add up to',
    async (t) => {
      const property = fc.asyncProperty(
        fc.array(events, { maxLength: 4 }),
        events,
        fc.array(fc.integer({ min: 1, max: 130 }), { maxLength: 2 }),
        fc.infiniteStream(fc.boolean()),
        fc.array(fc.tuple(fc.nat(1_500), fc.nat(1_500)), { minLength: 1, maxLength: 3 }),
        async (batches, history, cuts, appliesNext, pieces) => {
          run += 1;
          const userId = `u-${run}`;
          const [filling] = await opened(counters, [userId], NOW, new Map([['0:0', BASE]]));
          const counted: Counted[] = [];
          const left = [...batches].filter((batch) => batch.length > 0);
          const ends = [...new Set(cuts)].sort((a, b) => a - b).map((ago) => NOW - ago * DAY_MS);
          let sinceMs = filling!.sinceMs;
          let offset = BASE;
          const applyOne = async () => {
            const batch = left.shift()!;
            assert.equal(await apply(userId, batch, offset + 1), batch.length);
            assert.equal(await apply(userId, batch, offset + 1), 0, 'the same again');
            offset += batch.length;
            counted.push(...batch);
          };
          for (const fromMs of [...ends, -Infinity]) {
            while (left.length > 0 && appliesNext.next().value) await applyOne();
            const piece = history.filter(({ startedAt }) => startedAt >= fromMs && startedAt < sinceMs);
            const own = { ...filling!, sinceMs };
            assert.deepEqual(await fill(userId, own, piece, fromMs), [true]);
            assert.deepEqual(await fill(userId, own, piece, fromMs), [false], 'the same again');
            counted.push(...piece);
            sinceMs = fromMs;
            const { halfHours } = (await snapshotUser(session, generations, userId, NOW))!;
            assert.deepEqual(
              [...halfHours].sort(([a], [b]) => a - b),
              tallied(counted, isKept),
            );
          }
          while (left.length > 0) await applyOne();

          const asked = readableMonths.flatMap((month) => [
            halfHoursOf(month),
            ...pieces.map(([a, b]) => halfHoursOf(month, Math.min(a, b), Math.max(a, b))),
          ]);
          const { values } = (await read(userId, asked))!;
          const should = new Map(tallied(counted, isKept));
          asked.forEach(({ first, last }, i) => {
            assert.deepEqual(
              values[i],
              Array.from(
                { length: last - first + 1 },
                (_, at) => should.get(first + at) ?? { calls: 0, durationMs: 0 },
              ),
            );
          });
          const touched = new Set(counted.map(({ startedAt }) => monthOf(dayOf(startedAt))));
          assert.deepEqual(
            await keysOf(userId),
            [...touched]
              .filter(isKept)
              .map((month) => keyOf(userId, month))
              .sort(),
          );
        },
      );
      await holds(t, property, 80);
    },
  );

  await t.test('a chunk takes as few bytes as its sums need, whichever half-hours they are of', async (t) => {
    const month = MONTH - 1;
    const start = firstDayOfMonth(month) * DAY_MS;
    const end = firstDayOfMonth(month + 1) * DAY_MS;
    await warm(counters, ['u-forms'], NOW);
    const at = (startedAt: number, durationMs: number, sign: 1 | -1 = 1): Counted => ({
      startedAt,
      durationMs,
      ...(sign === -1 && { correction: { sign, needs: [] } }),
    });
    let offset = BASE + 1;
    const formAfter = async (chunk: number, ...some: Counted[]) => {
      t.equal(await apply('u-forms', some, offset), some.length);
      offset += some.length;
      const bytes = (await admin.hgetBuffer(keyOf('u-forms', month), String(chunk)))!;
      return [bytes[0], bytes.readUInt16LE(1), bytes.length];
    };
    t.strictSame(await formAfter(0, at(start, 5)), [1, 1, 7], 'the first half-hour of the month');
    t.strictSame(await formAfter(0, at(start + 12 * HALF_HOUR_MS - 1, 7)), [1, 1 + 2 ** 11, 11]);
    t.strictSame(await formAfter(1, at(start + 12 * HALF_HOUR_MS, 7)), [1, 1, 7], 'the next chunk');
    const lastChunk = Math.floor((end - start) / HALF_HOUR_MS / 12) - 1;
    t.strictSame(await formAfter(lastChunk, at(end - 1, 9)), [1, 2 ** 11, 7], 'the last of the month');
    t.strictSame(await formAfter(0, at(start, 8_388_607 - 5)), [1, 1 + 2 ** 11, 11], 'the most of form 1');
    t.strictSame(await formAfter(0, at(start, 1)), [2, 1 + 2 ** 11, 15]);
    t.strictSame(await formAfter(0, at(start, 2 ** 40)), [3, 1 + 2 ** 11, 27]);
    t.strictSame(await formAfter(0, at(start, 2 ** 40, -1)), [2, 1 + 2 ** 11, 15], 'and back');
    t.strictSame(await formAfter(0, ...Array.from({ length: 126 }, () => at(start + 1, 0))), [
      2,
      1 + 2 ** 11,
      15,
    ]);
    t.strictSame(await formAfter(0, at(start, 1, -1), at(start, 8_388_602, -1)), [1, 1 + 2 ** 11, 11]);
    t.strictSame(
      await formAfter(0, at(start + 1, 0)),
      [2, 1 + 2 ** 11, 15],
      'one call more than form 1 holds',
    );
    t.strictSame(await formAfter(1, at(start + 12 * HALF_HOUR_MS, 7, -1)), [1, 0, 3], 'nothing is left');
    const [first] = (await read('u-forms', [halfHoursOf(month, 0, 12)]))!.values;
    t.strictSame(
      [first![0], first![11], first![12]],
      [
        { calls: 128, durationMs: 5 },
        { calls: 1, durationMs: 7 },
        { calls: 0, durationMs: 0 },
      ],
    );
  });

  await t.test(
    'months that are kept no longer get none, and are not taken for months without calls',
    async (t) => {
      await warm(counters, ['u-old'], NOW);
      const oldest = MONTHS.find(isKept)!;
      const turn = firstDayOfMonth(oldest) * DAY_MS;
      const kept = { startedAt: turn, durationMs: 5 };
      const old = { startedAt: turn - 1, durationMs: 7 };
      t.equal(await apply('u-old', [kept, old, { startedAt: NOW - 400 * DAY_MS, durationMs: 3 }]), 3);
      t.strictSame(await keysOf('u-old'), [keyOf('u-old', oldest)]);
      const [filling] = await opened(counters, ['u-old'], NOW, new Map([['0:0', BASE]]));
      t.strictSame(await keysOf('u-old'), [], 'opening deletes what an earlier life has left');
      t.strictSame(await fill('u-old', filling!, [kept, old]), [true]);
      t.strictSame(await keysOf('u-old'), [keyOf('u-old', oldest)], 'nor by a piece');
      t.equal(await read('u-old', [halfHoursOf(oldest - 1)]), undefined, 'their calls are somewhere');
      const { values } = (await read('u-old', [
        halfHoursOf(oldest - 2, 0, 0),
        { kind: 'month', month: oldest - 1 },
      ]))!;
      t.strictSame(values, [[{ calls: 0, durationMs: 0 }], [{ calls: 1, durationMs: 7 }]]);
    },
  );

  await t.test('half-hours that are gone are not taken for none', async (t) => {
    await warm(counters, ['u-gone'], NOW);
    t.equal(await apply('u-gone', [{ startedAt: NOW, durationMs: 5 }]), 1);
    await admin.del(keyOf('u-gone', MONTH));
    const one = halfHourOf(NOW) - firstHalfHourOfMonth(MONTH);
    t.equal(await read('u-gone', [halfHoursOf(MONTH)]), undefined);
    t.equal(await read('u-gone', [halfHoursOf(MONTH, one, one)]), undefined);
    t.equal(await read('u-gone', [halfHoursOf(MONTH - 1), halfHoursOf(MONTH, 0, 0)]), undefined);
    t.not(await read('u-gone', [halfHoursOf(MONTH - 1), { kind: 'month', month: MONTH }]), undefined);
    await forgetUsers(session, ['u-gone']);
    t.equal(await read('u-gone', [halfHoursOf(MONTH - 1)]), undefined, 'nor is a user who is unknown');
  });

  await t.test('they expire with the sums by cell and day, a month after the last reader', async (t) => {
    await warm(counters, ['u-expires'], NOW);
    t.equal(
      await apply('u-expires', [
        { startedAt: NOW, durationMs: 5 },
        { startedAt: NOW - 20 * DAY_MS, durationMs: 5 },
      ]),
      2,
    );
    for (const key of await keysOf('u-expires')) {
      const month = Number(key.split(':').at(-1));
      const expiry = Number(await admin.call('EXPIRETIME', key));
      t.equal(expiry, Number(await admin.call('EXPIRETIME', key.replace(':h:', ':d:'))));
      t.equal(expiry, ((firstDayOfMonth(month + 1) + 93) * DAY_MS) / 1_000);
    }
    t.equal(firstDayWithHalfHours(session, generations, 'u-expires', NOW), firstDayWithDetail(dayOf(NOW)));
  });

  await t.test('a month with too many cells keeps its half-hours', async (t) => {
    await warm(counters, ['u-beyond'], NOW);
    const many = Array.from({ length: 1_001 }, (_, i) => ({
      offset: BASE + 1 + i,
      startedAt: NOW,
      durationMs: 1,
      cell: { agentId: `agent-${i}` },
    }));
    await applyEvents(session, generations, '0:0', [{ userId: 'u-beyond', events: many }]);
    t.equal((await snapshotUser(session, generations, 'u-beyond', NOW))!.cells.get(MONTH)!.isBeyond, true);
    const one = halfHourOf(NOW) - firstHalfHourOfMonth(MONTH);
    t.strictSame((await read('u-beyond', [halfHoursOf(MONTH, one, one)]))!.values, [
      [{ calls: 1_001, durationMs: 1_001 }],
    ]);
    t.equal(await apply('u-beyond', [{ startedAt: NOW, durationMs: 5 }], 3_000), 1);
    t.strictSame((await read('u-beyond', [halfHoursOf(MONTH, one, one)]))!.values, [
      [{ calls: 1_002, durationMs: 1_006 }],
    ]);
  });

  await t.test('a generation without detail keeps and reads none', async (t) => {
    const off = await ensureGenerations(session, {
      retentionMonths: RETENTION_MONTHS,
      cellsMax: 0,
      through: new Map([['0:0', -1]]),
      replacing: new Set([...generations.values()].map(({ id }) => id)),
    });
    await warm({ session, generations: off }, ['u-off'], NOW);
    const call = { offset: 1, startedAt: NOW, durationMs: 5 };
    t.strictSame(await applyEvents(session, off, '0:0', [{ userId: 'u-off', events: [call] }]), [1]);
    t.strictSame(await keysOf('u-off'), []);
    t.equal(firstDayWithHalfHours(session, off, 'u-off', NOW), Infinity);
    t.equal(await readSegments(session, off, 'u-off', NOW, [halfHoursOf(MONTH)]), undefined);
    t.strictSame((await snapshotUser(session, off, 'u-off', NOW))!.halfHours, new Map());
    const [filling] = await opened({ session, generations: off }, ['u-off'], NOW, new Map([['0:0', BASE]]));
    t.strictSame(
      await addPieces(session, off, [
        { filling: filling!, sums: pieceOf('u-off', [call]), fromMs: -Infinity },
      ]),
      [true],
    );
    t.strictSame(await keysOf('u-off'), [], 'nor by a piece');
  });
});
