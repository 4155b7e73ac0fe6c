import { strict as assert } from 'node:assert';
import { DAY_SLOTS, type Range, type Slots, type SlotTally } from '@calltally/domain';
import fc from 'fast-check';
import { Collection } from 'mongodb';
import { test } from 'tap';
import {
  type CallRow,
  cutAt,
  type OffsetVector,
  type PartitionDayTally,
  partitionId,
  type Store,
  type Tallies,
} from '../src/index.ts';
import { ALL_ROWS, type CompletedRow, holds, NOON, rowOf, testStore } from './support.ts';

const DAY_MS = 86_400_000;
const HALF_HOUR_MS = 1_800_000;
const SPAN_MS = 5 * DAY_MS;

const someRow = fc.record({
  user: fc.nat(2),
  // More instants at the borders of days than chance gives.
  startedAt: fc.oneof(
    fc.nat(SPAN_MS - 1),
    fc.tuple(fc.nat(4), fc.constantFrom(-1, 0, 1)).map(([day, off]) => Math.max(0, day * DAY_MS + off)),
  ),
  durationMs: fc.oneof(fc.nat(100_000), fc.constantFrom(0, 604_800_000)),
  stream: fc.nat(1),
  partition: fc.nat(2),
});
const someVector = fc.dictionary(
  fc.tuple(fc.nat(1), fc.nat(3)).map(([stream, partition]) => partitionId(stream, partition)),
  fc.integer({ min: -1, max: 40 }),
  { maxKeys: 8 },
);
const someRange = fc
  .tuple(fc.nat(SPAN_MS), fc.nat(SPAN_MS))
  .map(([from, length]) => ({ from, until: from + length }));

/** Beyond every row. */
const everything = Object.fromEntries(
  [0, 1].flatMap((stream) => [0, 1, 2].map((partition) => [partitionId(stream, partition), 1_000])),
);

function halfOpen({ from, until }: Range): Range {
  return from % 2 === 0 ? { from: -Infinity, until } : { from, until: Infinity };
}

function lets(vector: OffsetVector | undefined, { source }: CallRow): boolean {
  return (
    vector === undefined || source.offset <= (vector.get(partitionId(source.stream, source.partition)) ?? -1)
  );
}

/** `sumByRange` over an array. */
function rangesOracle(rows: CompletedRow[], userId: string, ranges: Range[], vector?: OffsetVector) {
  return ranges.map(({ from, until }) => {
    const mine = rows.filter(
      (row) =>
        row.user_id === userId && +row.started_at >= from && +row.started_at < until && lets(vector, row),
    );
    return { calls: mine.length, durationMs: mine.reduce((sum, row) => sum + row.duration_ms, 0) };
  });
}

/** `sumBySlot` over an array. */
function slotsOracle(
  rows: CompletedRow[],
  userId: string,
  ranges: Range[],
  vector?: OffsetVector,
  { origin, width }: Slots = DAY_SLOTS,
): SlotTally[][] {
  return ranges.map(({ from, until }) => {
    const inside = rows.filter((row) => +row.started_at >= from && +row.started_at < until);
    return bySlot(
      inside
        .filter((row) => row.user_id === userId && lets(vector, row))
        .map((row) => ({
          slot: Math.floor((+row.started_at - origin) / width),
          calls: 1,
          durationMs: row.duration_ms,
        })),
    );
  });
}

/** One tally for each slot, in order. */
function bySlot(tallies: readonly SlotTally[]): SlotTally[] {
  const slots = new Map<number, SlotTally>();
  for (const { slot, calls, durationMs } of tallies) {
    const sum = slots.get(slot) ?? { slot, calls: 0, durationMs: 0 };
    slots.set(slot, { slot, calls: sum.calls + calls, durationMs: sum.durationMs + durationMs });
  }
  return [...slots.values()].toSorted((a, b) => a.slot - b.slot);
}

const EVER: Range = { from: -Infinity, until: Infinity };

/** `sumByDayAndPartition` over an array. Rows here have no labels. */
function bySlotOracle(
  rows: CompletedRow[],
  userIds: string[],
  vector: OffsetVector,
  range: Range = EVER,
  detailFrom?: number,
): PartitionDayTally[] {
  if (detailFrom === undefined) return inOrder(groupsOracle(rows, userIds, vector, range));
  const byCell = groupsOracle(rows, userIds, vector, range).map((tally) => ({ ...tally, cell: {} }));
  const recent = { ...range, from: Math.max(range.from, detailFrom * DAY_MS) };
  const halfHourOf = (ms: number) => ({ halfHour: Math.floor(ms / HALF_HOUR_MS) });
  return inOrder([...byCell, ...groupsOracle(rows, userIds, vector, recent, halfHourOf)]);
}

function groupsOracle(
  rows: CompletedRow[],
  userIds: string[],
  vector: OffsetVector,
  { from, until }: Range,
  more: (ms: number) => { halfHour?: number } = () => ({}),
): PartitionDayTally[] {
  const groups = new Map<string, PartitionDayTally>();
  for (const row of rows.filter((row) => userIds.includes(row.user_id) && lets(vector, row))) {
    if (+row.started_at < from || +row.started_at >= until) continue;
    const day = Math.floor(+row.started_at / DAY_MS);
    const { stream, partition } = row.source;
    const own = more(+row.started_at);
    const name = JSON.stringify([row.user_id, day, stream, partition, own]);
    const group = groups.get(name) ?? {
      userId: row.user_id,
      day,
      stream,
      partition,
      calls: 0,
      durationMs: 0,
      lastStartedAt: -1,
      lastOffset: -1,
      isCorrection: false,
      ...own,
    };
    group.calls += 1;
    group.durationMs += row.duration_ms;
    if (own.halfHour === undefined) group.lastStartedAt = Math.max(group.lastStartedAt, +row.started_at);
    group.lastOffset = Math.max(group.lastOffset, row.source.offset);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function inOrder(tallies: PartitionDayTally[]): PartitionDayTally[] {
  const name = (one: PartitionDayTally) =>
    JSON.stringify([one.userId, one.day, one.stream, one.partition, one.halfHour]);
  return tallies.toSorted((a, b) => (name(a) < name(b) ? -1 : 1));
}

/** Gives the rows of one run users of their own, and offsets by partition. */
async function insert(store: Store, run: number, given: SomeRow[]) {
  const next = new Map<string, number>();
  const rows = given.map(({ user, startedAt, durationMs, stream, partition }, i) => {
    const key = partitionId(stream, partition);
    const offset = next.get(key) ?? 0;
    next.set(key, offset + 1 + (i % 2));
    return rowOf(
      { callId: `${run}-${i}`, userId: `u-${run}-${user}`, startedAt, durationMs },
      { stream, partition, offset },
    );
  });
  await store.calls.insert(rows);
  return rows;
}
type SomeRow = typeof someRow extends fc.Arbitrary<infer T> ? T : never;

test('sums over rows', async (t) => {
  const { store } = await testStore(t);
  const { tallies } = store;
  let run = 0;

  /** Draws rows, ranges, and an offset vector or none, and compares the sums of each user. */
  const anySums = (
    t: Parameters<typeof holds>[0],
    rangesMax: number,
    look: (
      rows: CompletedRow[],
      userId: string,
      ranges: Range[],
      vector: OffsetVector | undefined,
    ) => Promise<void>,
  ) =>
    holds(
      t,
      fc.asyncProperty(
        fc.array(someRow, { maxLength: 60 }),
        fc.array(someRange, { minLength: 1, maxLength: rangesMax }),
        fc.option(someVector),
        async (given, ranges, limits) => {
          run += 1;
          const rows = await insert(store, run, given);
          const vector = limits === null ? undefined : new Map(Object.entries(limits));
          for (const userId of [`u-${run}-0`, `u-${run}-1`]) await look(rows, userId, ranges, vector);
        },
      ),
      100,
    );

  await t.test(
    'sums by range, overlapping or not, up to an offset vector or not, equal those of an array',
    async (t) => {
      await anySums(t, 5, async (rows, userId, ranges, vector) => {
        assert.deepStrictEqual(
          await tallies.sumByRange(userId, ranges, { rows: vector, corrections: undefined }),
          rangesOracle(rows, userId, ranges, vector),
        );
      });
    },
  );

  await t.test(
    'sums by slot of each range, overlapping or not, up to an offset vector or not, equal those of an array',
    async (t) => {
      await anySums(t, 3, async (rows, userId, ranges, vector) => {
        const cut = { rows: vector, corrections: undefined };
        for (const slots of [DAY_SLOTS, { origin: ranges[0]?.from ?? 0, width: 5_400_000 }]) {
          const found = await tallies.sumBySlot(userId, ranges, slots, cut);
          assert.deepStrictEqual(found.map(bySlot), slotsOracle(rows, userId, ranges, vector, slots));
        }
      });
    },
  );

  await t.test('the server computes the same day of a start as we do, from 1900 to 9999', async (t) => {
    const instants = ['1900-03-01', '1970-01-01', '2000-02-29', '2026-03-28', '9999-12-31'].flatMap((date) =>
      [-1, 0, 1, DAY_MS - 1].map((off) => Date.parse(date) + off),
    );
    const rows = instants.map((startedAt, i) =>
      rowOf({ callId: `day-${i}`, userId: 'u-days', startedAt, durationMs: 2 ** i }, { offset: i }),
    );
    await store.calls.insert(rows);
    const all = { from: Math.min(...instants), until: Math.max(...instants) + 1 };
    const days = await tallies.sumBySlot('u-days', [all], DAY_SLOTS, ALL_ROWS);
    t.strictSame(days.map(bySlot), slotsOracle(rows, 'u-days', [all]));
  });

  await t.test(
    'sums by day and partition of any users, in any range, up to any offset vector, also by half-hour, equal those of an array',
    async (t) => {
      const ends = { asked: 0, beyond: 0 };
      await holds(
        t,
        fc.asyncProperty(
          fc.array(someRow, { maxLength: 80, size: 'max' }),
          // As usual: no row lies beyond it.
          fc.oneof(someVector, fc.constant(everything)),
          fc.subarray([0, 1, 2, 3]),
          fc.oneof(someRange, someRange.map(halfOpen), fc.constant(EVER)),
          // No half-hours are asked of days before it.
          fc.integer({ min: 0, max: 5 }),
          async (given, limits, users, range, detailFrom) => {
            run += 1;
            const rows = await insert(store, run, given);
            const vector = new Map(Object.entries(limits));
            const userIds = users.map((user) => `u-${run}-${user}`);
            for (const readsFew of [false, true]) {
              assert.deepStrictEqual(
                inOrder(await tallies.sumByDayAndPartition(userIds, vector, { range, readsFew })),
                bySlotOracle(rows, userIds, vector, range),
              );
              const bounds = { range, detailFrom, readsFew };
              assert.deepStrictEqual(
                inOrder(await tallies.sumByDayAndPartition(userIds, vector, bounds)),
                bySlotOracle(rows, userIds, vector, range, detailFrom),
              );
            }
            ends.asked += 1;
            const isBeyond =
              bySlotOracle(rows, userIds, vector, range).length > 0 && rows.some((row) => !lets(vector, row));
            if (isBeyond) ends.beyond += 1;
          },
        ),
        120,
      );
      t.ok(ends.beyond > 0 && ends.asked > ends.beyond, 'both with rows beyond the vector and without');
    },
  );

  await t.test('a range includes its first millisecond and excludes its end', async (t) => {
    await store.calls.insert(
      [NOON - 1, NOON, NOON + 9, NOON + 10].map((startedAt, i) =>
        rowOf({ callId: `border-${i}`, userId: 'u-border', startedAt, durationMs: 10 ** i }, { offset: i }),
      ),
    );
    const range = { from: NOON, until: NOON + 10 };
    t.strictSame(await tallies.sumByRange('u-border', [range], ALL_ROWS), [{ calls: 2, durationMs: 110 }]);
    t.strictSame(await tallies.sumByRange('u-border', [range, range], ALL_ROWS), [
      { calls: 2, durationMs: 110 },
      { calls: 2, durationMs: 110 },
    ]);
    const nested = [{ from: NOON - 1, until: NOON + 11 }, { from: NOON, until: NOON }, range];
    t.strictSame(await tallies.sumByRange('u-border', nested, ALL_ROWS), [
      { calls: 4, durationMs: 1_111 },
      { calls: 0, durationMs: 0 },
      { calls: 2, durationMs: 110 },
    ]);
  });

  await t.test('the offset vector is part of the query only if a row lies beyond it', async (t) => {
    const rows = [0, 1, 2, 3].map((offset) =>
      rowOf(
        { callId: `vector-${offset}`, userId: 'u-vector', startedAt: NOON - offset * DAY_MS },
        { offset },
      ),
    );
    await store.calls.insert(rows);
    let queries = 0;
    const counted = talliesThatTell(store, () => {
      queries += 1;
    });
    for (const [through, range, expected] of [
      [3, EVER, 1],
      [9, EVER, 1],
      [2, EVER, 2],
      [0, EVER, 2],
      // The rows that lie beyond start before it.
      [1, { from: NOON - DAY_MS, until: Infinity }, 1],
      [1, { from: -Infinity, until: NOON - 2 * DAY_MS }, 2],
    ] as const) {
      queries = 0;
      const vector = new Map([['0:0', through]]);
      t.strictSame(
        inOrder(await counted.sumByDayAndPartition(['u-vector'], vector, { range })),
        bySlotOracle(rows, ['u-vector'], vector, range),
      );
      t.equal(queries, expected, `through ${through}`);
    }
    queries = 0;
    t.strictSame(
      await counted.sumByDayAndPartition(['u-vector'], new Map([['0:1', 9]])),
      [],
      'a partition that it does not name',
    );
    t.equal(queries, 2);
  });

  await t.test('few rows are read, and more are summed by Mongo', async (t) => {
    const rows = Array.from({ length: 10_001 }, (_, i) =>
      rowOf(
        { callId: `few-${i}`, userId: 'u-few', startedAt: NOON - (i % 9) * DAY_MS, durationMs: i },
        { offset: i, partition: i % 3 },
      ),
    );
    for (let at = 0; at < rows.length; at += 2_000) await store.calls.insert(rows.slice(at, at + 2_000));
    const vector = new Map([0, 1, 2].map((partition) => [partitionId(0, partition), 20_000]));
    const detailFrom = Math.floor(NOON / DAY_MS) - 4;
    const queriesFor = async (range: Range) => {
      let queries = 0;
      const counted = talliesThatTell(store, () => {
        queries += 1;
      });
      const found = await counted.sumByDayAndPartition(['u-few'], vector, {
        range,
        detailFrom,
        readsFew: true,
      });
      t.strictSame(inOrder(found), bySlotOracle(rows, ['u-few'], vector, range, detailFrom));
      return queries;
    };
    t.equal(await queriesFor(EVER), 3, 'tried, by cell, by half-hour');
    t.equal(await queriesFor({ from: NOON - 7 * DAY_MS, until: Infinity }), 1);
  });

  await t.test('cells whose labels read alike are apart', async (t) => {
    const cells = [{ agentId: 'a b', direction: 'c' }, { agentId: 'a', direction: 'b c' }, { agentId: 'a' }];
    await store.calls.insert(
      cells.map((cell, offset) =>
        rowOf({ callId: `cell-${offset}`, userId: 'u-cells', ...cell }, { offset }),
      ),
    );
    for (const readsFew of [false, true]) {
      const bounds = { detailFrom: 0, readsFew };
      const found = await tallies.sumByDayAndPartition(['u-cells'], new Map([['0:0', 9]]), bounds);
      const byCell = found.filter(({ cell }) => cell).toSorted((a, b) => a.lastOffset - b.lastOffset);
      t.strictSame(
        byCell.map(({ calls, cell }) => [calls, cell]),
        cells.map((cell) => [1, cell]),
      );
    }
  });

  await t.test('whether a call starts before a time', async (t) => {
    await store.calls.insert(
      [NOON, NOON + 5, -3].map((startedAt, offset) =>
        rowOf(
          { callId: `before-${offset}`, userId: offset < 2 ? 'u-before' : 'u-1960', startedAt },
          { offset },
        ),
      ),
    );
    t.equal(await tallies.startsBefore('u-before', NOON), false);
    t.equal(await tallies.startsBefore('u-before', NOON + 1), true);
    t.equal(await tallies.startsBefore('u-1960', 0), true);
    t.equal(await tallies.startsBefore('nobody', NOON), false);
  });

  await t.test(
    'no ranges, an empty offset vector or an unknown user give zero, never an error',
    async (t) => {
      const range = { from: 0, until: NOON * 2 };
      const zero = { calls: 0, durationMs: 0 };
      t.strictSame(await tallies.sumByRange('u-border', [], ALL_ROWS), []);
      t.strictSame(await tallies.sumByRange('u-border', [range], cutAt(new Map())), [zero]);
      t.strictSame(await tallies.sumByRange('nobody', [range, range], ALL_ROWS), [zero, zero]);
      t.strictSame(await tallies.sumBySlot('u-border', [], DAY_SLOTS, ALL_ROWS), []);
      t.strictSame(await tallies.sumBySlot('u-border', [range], DAY_SLOTS, cutAt(new Map())), [[]]);
      t.strictSame(await tallies.sumBySlot('nobody', [range, range], DAY_SLOTS, ALL_ROWS), [[], []]);
      t.strictSame(await tallies.sumByDayAndPartition([], new Map([['0:0', 9]])), []);
      t.strictSame(await tallies.sumByDayAndPartition(['u-border'], new Map()), []);
      t.strictSame(await tallies.sumByDayAndPartition(['nobody'], new Map([['0:0', 9]])), []);
    },
  );

  await t.test('sums beyond 2^31 milliseconds are exact', async (t) => {
    const rows = Array.from({ length: 2_000 }, (_, i) =>
      rowOf({ callId: `long-${i}`, userId: 'u-long', durationMs: 604_800_000 - i }, { offset: i }),
    );
    await store.calls.insert(rows);
    const durationMs = rows.reduce((sum, row) => sum + row.duration_ms, 0);
    t.strictSame(await tallies.sumByRange('u-long', [{ from: 0, until: NOON + 1 }], ALL_ROWS), [
      { calls: 2_000, durationMs },
    ]);
    t.match(await tallies.sumBySlot('u-long', [{ from: 0, until: NOON + 1 }], DAY_SLOTS, ALL_ROWS), [
      [{ calls: 2_000, durationMs }],
    ]);
    for (const readsFew of [false, true]) {
      const vector = new Map([['0:0', 1e9]]);
      t.match(await tallies.sumByDayAndPartition(['u-long'], vector, { readsFew }), [
        { calls: 2_000, durationMs },
      ]);
    }
  });
});

/** Tallies over the same rows that report each aggregation. */
function talliesThatTell({ tallies }: Store, tell: () => void): Tallies {
  const { aggregate } = Collection.prototype;
  return new Proxy(tallies, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as (...given: unknown[]) => Promise<unknown>;
      return async (...given: unknown[]) => {
        Collection.prototype.aggregate = function (this: Collection, ...pipeline) {
          tell();
          return aggregate.apply(this, pipeline);
        } as typeof aggregate;
        try {
          return await value.apply(target, given);
        } finally {
          Collection.prototype.aggregate = aggregate;
        }
      };
    },
  });
}
