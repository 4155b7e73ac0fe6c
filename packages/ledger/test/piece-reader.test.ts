import { strict as assert } from 'node:assert';
import { NOTHING_FILLED } from '@calltally/counters';
import { dayOf, defaultWindowDays } from '@calltally/domain';
import { type OffsetVector, type PartitionDayTally, StoreError, type Tallies, toRow } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { type PieceLimits, PieceReader, rowsOf } from '../src/piece-reader.ts';
import { callOf, DAY_MS, holds, testWorld } from './support.ts';

const NOW = Date.UTC(2026, 2, 28, 12);
const TODAY = dayOf(NOW);
const CUT: OffsetVector = new Map([['0:0', 1_000]]);

interface SumAsked {
  userIds: readonly string[];
  from: number;
  until: number;
}

/**
 * Tallies of calls in memory, one call for each start.
 * @param tooLong ranges that Mongo would not add up in time
 */
function talliesOf(starts: readonly number[], tooLong: (asked: SumAsked) => boolean = () => false) {
  const asked: SumAsked[] = [];
  const sumByDayAndPartition: Tallies['sumByDayAndPartition'] = async (userIds, _through, { range } = {}) => {
    const { from, until } = range!;
    asked.push({ userIds, from, until });
    if (tooLong({ userIds, from, until })) throw new StoreError('STORE_TIMEOUT', true, 'late');
    const days = new Map<number, PartitionDayTally>();
    for (const startedAt of starts) {
      if (startedAt < from || startedAt >= until) continue;
      const day = dayOf(startedAt);
      const tally = days.get(day) ?? {
        userId: userIds[0]!,
        day,
        stream: 0,
        partition: 0,
        calls: 0,
        durationMs: 0,
        lastStartedAt: -1,
        lastOffset: 0,
        isCorrection: false,
      };
      tally.calls += 1;
      tally.lastStartedAt = Math.max(tally.lastStartedAt, startedAt);
      days.set(day, tally);
    }
    return [...days.values()];
  };
  const startsBefore = async (_userId: string, beforeMs: number) => starts.some((start) => start < beforeMs);
  return { asked, tallies: { sumByDayAndPartition, startsBefore } as unknown as Tallies };
}

/** All pieces of a user, newest first, by several readers with different clocks that share nothing. */
async function allPieces(of: readonly PieceReader[], clocks: readonly number[]) {
  const pieces = [];
  for (let untilMs = NOTHING_FILLED, turn = 0; untilMs !== -Infinity; turn++) {
    assert.ok(turn < 20_000, 'it ends');
    const { tallies, fromMs } = await of[turn % of.length]!.before(
      'u',
      CUT,
      untilMs,
      clocks[turn % clocks.length]!,
    );
    assert.ok(fromMs < untilMs, 'each reaches further back');
    pieces.push({ tallies, fromMs, untilMs });
    untilMs = fromMs;
  }
  return pieces;
}

const someStart = fc.oneof(
  fc.integer({ min: NOW - 120 * DAY_MS, max: NOW + 5 * 60_000 }),
  // At and near the borders of days.
  fc.tuple(fc.nat(120), fc.constantFrom(-1, 0, 1)).map(([ago, off]) => (TODAY - ago) * DAY_MS + off),
  // More at one instant than a piece should have.
  fc.constantFrom(NOW, NOW - 1, NOW - 40 * DAY_MS, NOW - 31 * DAY_MS),
  fc.integer({ min: NOW - 9_000 * DAY_MS, max: NOW }),
  fc.constantFrom(0, -1, Date.UTC(1900, 0), NOW + 3 * 60_000, NOW + 40 * DAY_MS),
);
const someLimits: fc.Arbitrary<PieceLimits> = fc.record({
  wholeTimeoutMs: fc.constant(0),
  rowsWanted: fc.integer({ min: 1, max: 40 }),
  firstSpanMs: fc.integer({ min: 1, max: 90 * DAY_MS }),
});

test('pieces with any limits, by any readers: every row is in exactly one', async (t) => {
  const someClock = fc.integer({ min: NOW - 400 * DAY_MS, max: NOW });
  const property = fc.asyncProperty(
    fc.array(someStart, { maxLength: 60 }),
    fc.array(someLimits, { minLength: 1, maxLength: 3 }),
    fc.array(someClock, { minLength: 1, maxLength: 3 }),
    async (starts, limits, clocks) => {
      const { tallies } = talliesOf(starts);
      const pieces = await allPieces(
        limits.map((one) => new PieceReader(tallies, one)),
        clocks,
      );
      const expected = await tallies.sumByDayAndPartition(['u'], CUT, {
        range: { from: -Infinity, until: Infinity },
      });
      const days = new Map<number, number>();
      for (const one of pieces.flatMap((piece) => piece.tallies)) {
        days.set(one.day, (days.get(one.day) ?? 0) + one.calls);
      }
      assert.deepEqual(
        [...days].toSorted(([a], [b]) => a - b),
        expected.map(({ day, calls }) => [day, calls]).toSorted(([a], [b]) => a! - b!),
      );
      for (const { tallies, fromMs, untilMs } of pieces) {
        const within = starts.filter(
          (start) => start >= fromMs && (untilMs === NOTHING_FILLED || start < untilMs),
        );
        assert.equal(rowsOf(tallies), within.length, 'what starts in [from, until), and nothing else');
      }
      const all = await new PieceReader(tallies, limits[0]).all(['u'], CUT);
      assert.equal(rowsOf(all), starts.length);
    },
  );
  await holds(t, property, 400);
});

test('all rows from a time on are there, whatever the pieces', async (t) => {
  const property = fc.asyncProperty(
    fc.array(someStart, { maxLength: 40 }),
    someLimits,
    someStart,
    async (starts, limits, fromMs) => {
      const { tallies } = talliesOf(starts);
      const rows: number[] = [];
      const found = await new PieceReader(tallies, limits).all(['u'], CUT, fromMs, (some) => rows.push(some));
      const day = dayOf(fromMs);
      const sumOf = (some: readonly PartitionDayTally[]) =>
        some.reduce((sum, one) => (one.day > day ? sum + one.calls : sum), 0);
      assert.equal(sumOf(found), starts.filter((start) => dayOf(start) > day).length);
      assert.equal(
        rows.reduce((a, b) => a + b, 0),
        rowsOf(found),
      );
      const whole = await new PieceReader(tallies, { wholeTimeoutMs: 1 }).all(['u'], CUT, fromMs);
      assert.equal(rowsOf(whole), starts.filter((start) => start >= fromMs).length);
    },
  );
  await holds(t, property, 200);
});

test('pieces from a real store are exactly its rows', async (t) => {
  const { store } = await testWorld(t);
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(someStart, { maxLength: 40 }),
    someLimits,
    fc.nat(60),
    async (starts, limits, through) => {
      run += 1;
      const rows = starts.map((startedAt, offset) =>
        toRow(callOf(`u-${run}`, { startedAt }), { stream: 0, partition: 0, offset }),
      );
      await store.calls.insert(rows);
      const cut = new Map([['0:0', through]]);
      const found: PartitionDayTally[] = [];
      const pieces = new PieceReader(store.tallies, limits);
      for (let untilMs = NOTHING_FILLED; untilMs !== -Infinity; ) {
        const piece = await pieces.before(`u-${run}`, cut, untilMs, NOW);
        found.push(...piece.tallies);
        untilMs = piece.fromMs;
      }
      const expected = starts.filter((_, offset) => offset <= through);
      assert.equal(rowsOf(found), expected.length);
      assert.equal(
        found.reduce((last, { lastStartedAt }) => Math.max(last, lastStartedAt), -Infinity),
        Math.max(-Infinity, ...expected),
      );
      assert.equal(rowsOf((await pieces.whole([`u-${run}`], cut)) ?? []), 0, 'no whole where it is off');
    },
  );
  await holds(t, property, 40);
});

test('a piece that takes too long is cut, and later ones are shorter', async (t) => {
  const starts = Array.from({ length: 900 }, (_, i) => NOW - i * DAY_MS);
  const longest = 5 * DAY_MS;
  const { asked, tallies } = talliesOf(starts, ({ from, until }) => Math.min(until, NOW) - from > longest);
  const pieces = new PieceReader(tallies, { rowsWanted: 6 });
  const found = await allPieces([pieces], [NOW]);
  t.equal(
    found.reduce((sum, piece) => sum + rowsOf(piece.tallies), 0),
    starts.length,
  );
  const late = asked.filter(({ from, until }) => Math.min(until, NOW) - from > longest);
  t.ok(late.length < 8, `${late.length} of ${asked.length} were too long`);
  t.ok(found.length > 100);
});

test('if Mongo adds nothing up in time, the read fails, and the next one begins with a shorter span', async (t) => {
  let isSlow = true;
  const { asked, tallies } = talliesOf([NOW - DAY_MS], () => isSlow);
  const pieces = new PieceReader(tallies, { wholeTimeoutMs: 0, firstSpanMs: 16 * DAY_MS });
  await t.rejects(pieces.before('u', CUT, NOTHING_FILLED, NOW), { code: 'STORE_TIMEOUT' });
  const spans = () => asked.splice(0).map(({ from }) => (NOW - from) / DAY_MS);
  t.strictSame(spans(), [16, 4, 1, 1 / 4]);
  await t.rejects(pieces.before('u', CUT, NOTHING_FILLED, NOW), { code: 'STORE_TIMEOUT' });
  t.strictSame(spans(), [1 / 4, 1 / 16, 1 / 64, 1 / 256]);
  isSlow = false;
  t.equal((await pieces.before('u', CUT, NOTHING_FILLED, NOW)).fromMs, NOW - DAY_MS / 256);
});

test('other failures do not shorten spans', async (t) => {
  const away = new StoreError('STORE_UNAVAILABLE', true, 'away');
  let times = 0;
  const sumByDayAndPartition = async () => {
    times += 1;
    throw away;
  };
  const pieces = new PieceReader({ sumByDayAndPartition } as unknown as Tallies);
  await t.rejects(pieces.whole(['u'], CUT), away);
  await t.rejects(pieces.before('u', CUT, NOTHING_FILLED, NOW), away);
  await t.rejects(pieces.all(['u'], CUT), away);
  t.equal(times, 3);
});

test('a history that can be added up at once is one piece; a longer one begins with the default window', async (t) => {
  const starts = [1, 20, 29, 40, 500].map((ago) => NOW - ago * DAY_MS);
  const { asked, tallies } = talliesOf(starts);
  t.equal(rowsOf((await new PieceReader(tallies).whole(['u', 'v'], CUT))!), 5);
  t.strictSame(asked, [{ userIds: ['u', 'v'], from: -Infinity, until: Infinity }]);

  const windowStart = (TODAY - defaultWindowDays + 1) * DAY_MS;
  const long = talliesOf(starts, ({ from, until }) => from === -Infinity && until === Infinity);
  const pieces = new PieceReader(long.tallies);
  t.equal(await pieces.whole(['u'], CUT), undefined);
  const newest = await pieces.before('u', CUT, NOTHING_FILLED, NOW);
  t.equal(newest.fromMs, windowStart);
  t.equal(rowsOf(newest.tallies), 3);
  const rest = await pieces.before('u', CUT, newest.fromMs, NOW);
  t.equal(rest.fromMs, -Infinity, 'the rest can be added up at once');
  t.equal(rowsOf(rest.tallies), 2);
  const first = await new PieceReader(long.tallies, { wholeTimeoutMs: 0 }).before(
    'u',
    CUT,
    NOTHING_FILLED,
    NOW,
  );
  t.equal(first.fromMs, windowStart, 'and alone it begins with that, too');
});
