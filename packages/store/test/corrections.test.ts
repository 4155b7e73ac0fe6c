import { strict as assert } from 'node:assert';
import { DAY_SLOTS, dayOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  type CallContent,
  type CorrectionRow,
  correctionId,
  cutAt,
  type OffsetVector,
  type PartitionDayTally,
  partitionId,
  rowId,
  type Source,
} from '../src/index.ts';
import { holds, NOON, rowOf, testStore } from './support.ts';

const DAY_MS = 86_400_000;
const EVER = { from: -Infinity, until: Infinity };

function contentOn(day: number, durationMs: number, labels: Labels = {}): CallContent {
  const startedAt = NOON + day * DAY_MS;
  const dayOfStart = Math.floor(startedAt / DAY_MS);
  return { started_at: new Date(startedAt), day: dayOfStart, duration_ms: durationMs, ...labels };
}

type Labels = Pick<CallContent, 'agent_id' | 'direction' | 'status'>;

/** Their texts, in order. */
function inOrder(tallies: readonly PartitionDayTally[]): string[] {
  return tallies
    .map(({ cell, ...tally }) => JSON.stringify([Object.entries(tally).sort(), Object.entries(cell ?? {})]))
    .sort();
}

function correctionOf(
  { userId = 'u-1', callId, n = 1 }: { userId?: string; callId: string; n?: number },
  more: Partial<CorrectionRow> = {},
): CorrectionRow {
  return {
    _id: correctionId(rowId({ userId, callId }), n),
    user_id: userId,
    revision: n,
    source: { stream: 0, partition: 0, offset: n },
    replaces: { stream: 0, partition: 0, offset: 0 },
    ...more,
  };
}

const isThrough = (through: OffsetVector, { stream, partition, offset }: Source) =>
  offset <= (through.get(partitionId(stream, partition)) ?? -1);

test('corrections', async (t) => {
  const { store, another } = await testStore(t);
  const { corrections, tallies } = store;

  await t.test('there are none until one is inserted', async (t) => {
    t.equal(await corrections.any(), false);
    t.strictSame(await corrections.insert([correctionOf({ callId: 'first' })]), new Set());
    t.equal(await corrections.any(), true);
  });

  await t.test('all of a call are found, however many, in their places', async (t) => {
    const chain = Array.from({ length: 23 }, (_, i) => correctionOf({ callId: 'many', n: i + 1 }));
    await corrections.insert(chain);
    await corrections.insert([
      correctionOf({ callId: 'man' }),
      correctionOf({ callId: 'many', userId: 'u' }),
    ]);
    const [many, none] = ['many', 'none'].map((callId) => rowId({ userId: 'u-1', callId }));
    const found = await corrections.of([many!, none!]);
    t.strictSame(found.get(many!), chain);
    t.strictSame(found.get(none!), []);
    t.strictSame(await corrections.of([]), new Map());
  });

  await t.test('a lost one leaves a gap', async (t) => {
    await corrections.insert([1, 3].map((n) => correctionOf({ callId: 'gap', n })));
    const id = rowId({ userId: 'u-1', callId: 'gap' });
    const chain = (await corrections.of([id])).get(id)!;
    t.strictSame(
      [...chain.entries()].map(([i, one]) => [i, one?._id]),
      [
        [0, correctionId(id, 1)],
        [1, undefined],
        [2, correctionId(id, 3)],
      ],
    );
  });

  await t.test('of eight writers, each number of each call has one', async (t) => {
    const ids = Array.from({ length: 200 }, (_, i) => `race-${i}`);
    const stores = Array.from({ length: 8 }, another);
    const won = await Promise.all(
      stores.map(async (one, partition) => {
        const rows = ids
          .map((callId) => correctionOf({ callId }, { source: { stream: 0, partition, offset: 1 } }))
          .sort(() => Math.random() - 0.5);
        const taken = await one.corrections.insert(rows);
        return rows.filter(({ _id }) => !taken.has(_id));
      }),
    );
    const winners = new Map(won.flat().map((row) => [row._id, row]));
    t.equal(won.flat().length, ids.length);
    const found = await corrections.of(ids.map((callId) => rowId({ userId: 'u-1', callId })));
    for (const [row] of found.values()) t.strictSame(row, winners.get(row!._id));
  });

  await t.test('users are found whose needs are not met where their correction counts', async (t) => {
    const needs = [{ stream: 0, partition: 1, offset: 7 }];
    const source = { stream: 0, partition: 0, offset: 5 };
    await corrections.insert([
      correctionOf({ callId: 'n', userId: 'needy' }, { source, needs }),
      correctionOf({ callId: 'n', userId: 'other' }, { source }),
    ]);
    const users = (offsets: Record<string, number>) =>
      corrections.usersWithUnmetNeeds(['needy', 'other'], new Map(Object.entries(offsets)));
    t.strictSame(await users({ '0:0': 5 }), new Set(['needy']));
    t.strictSame(await users({ '0:0': 5, '0:1': 6 }), new Set(['needy']));
    t.strictSame(await users({ '0:0': 5, '0:1': 7 }), new Set());
    t.strictSame(await users({ '0:0': 4 }), new Set(), 'it does not count there');
    t.strictSame(await corrections.usersWithUnmetNeeds(['other'], new Map([['0:0', 9]])), new Set());
    t.strictSame(await corrections.usersWithUnmetNeeds([], new Map()), new Set());
  });

  await t.test('sums add what corrections add and take away, where they and their needs count', async (t) => {
    const source = fc.record({ stream: fc.nat(1), partition: fc.nat(2), offset: fc.nat(6) });
    // Those of two cells may look alike if they are joined by a space.
    const labels: fc.Arbitrary<Labels> = fc.constantFrom(
      {},
      { agent_id: 'a' },
      { agent_id: 'a b', direction: 'c' },
      { agent_id: 'a', direction: 'b c' },
      { agent_id: '', status: 'missed' },
    );
    const content = fc.option(fc.record({ day: fc.nat(4), durationMs: fc.nat(99), labels }), {
      nil: undefined,
    });
    const document = fc.record({
      user: fc.nat(1),
      row: fc.option(content, { nil: null }),
      plus: content,
      minus: content,
      source,
      needs: fc.option(fc.array(source, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
    });
    const vector = fc.dictionary(
      fc.tuple(fc.nat(1), fc.nat(2)).map(([stream, partition]) => partitionId(stream, partition)),
      fc.integer({ min: -1, max: 6 }),
      { maxKeys: 6 },
    );
    let run = 0;
    await holds(
      t,
      fc.asyncProperty(
        fc.array(document, { maxLength: 25 }),
        vector,
        fc.tuple(fc.nat(4), fc.nat(4)),
        async (given, limits, [first, days]) => {
          run += 1;
          const through = new Map(Object.entries(limits));
          const range = { from: NOON + first * DAY_MS, until: NOON + (first + days) * DAY_MS };
          /** All that counts: user, sign, content. */
          const parts: [user: string, sign: 1 | -1, content: CallContent][] = [];
          const rows: Parameters<typeof store.calls.insert>[0][number][] = [];
          const corrected: CorrectionRow[] = [];
          for (const [i, { user, row, plus, minus, source, needs }] of given.entries()) {
            const userId = `u-${run}-${user}`;
            const content = (one: typeof plus) => one && contentOn(one.day, one.durationMs, one.labels);
            const counts = isThrough(through, source);
            if (row !== null) {
              const {
                started_at: _s,
                day: _d,
                duration_ms: _m,
                ...deleted
              } = rowOf({ callId: `${i}`, userId }, source);
              rows.push({ ...deleted, ...content(row) });
              if (row && counts) parts.push([userId, 1, content(row)!]);
              continue;
            }
            corrected.push(
              correctionOf(
                { userId, callId: `${i}` },
                {
                  source,
                  ...(plus && { plus: content(plus)! }),
                  ...(minus && { minus: content(minus)! }),
                  ...(needs && { needs }),
                },
              ),
            );
            if (!counts || !(needs ?? []).every((need) => isThrough(through, need))) continue;
            if (plus) parts.push([userId, 1, content(plus)!]);
            if (minus) parts.push([userId, -1, content(minus)!]);
          }
          await store.calls.insert(rows);
          await corrections.insert(corrected);
          for (const userId of [`u-${run}-0`, `u-${run}-1`]) {
            const sum = (within: (content: CallContent) => boolean) => {
              const some = parts.filter(([user, , one]) => user === userId && within(one));
              return {
                calls: some.reduce((total, [, sign]) => total + sign, 0),
                durationMs: some.reduce((total, [, sign, one]) => total + sign * one.duration_ms, 0),
              };
            };
            const isIn = ({ started_at }: CallContent) =>
              +started_at >= range.from && +started_at < range.until;
            assert.deepStrictEqual(await tallies.sumByRange(userId, [range, EVER], cutAt(through)), [
              sum(isIn),
              sum(() => true),
            ]);
            const byDay = new Map<number, { calls: number; durationMs: number }>();
            const [days] = await tallies.sumBySlot(userId, [range], DAY_SLOTS, cutAt(through));
            for (const { slot: day, calls, durationMs } of days!) {
              const before = byDay.get(day) ?? { calls: 0, durationMs: 0 };
              byDay.set(day, { calls: before.calls + calls, durationMs: before.durationMs + durationMs });
            }
            for (const [day, tally] of byDay) {
              assert.deepStrictEqual(
                tally,
                sum((one) => isIn(one) && one.day === day),
              );
            }
            const all = await tallies.sumByDayAndPartition([userId], through);
            const totals = all.reduce(
              ({ calls, durationMs }, one) => ({
                calls: calls + one.calls,
                durationMs: durationMs + one.durationMs,
              }),
              { calls: 0, durationMs: 0 },
            );
            assert.deepStrictEqual(
              totals,
              sum(() => true),
            );
            for (const detailFrom of [undefined, dayOf(NOON) + 2]) {
              const summedBy = async (readsFew: boolean) =>
                inOrder(
                  await tallies.sumByDayAndPartition([userId], through, { range, detailFrom, readsFew }),
                );
              assert.deepStrictEqual(await summedBy(true), await summedBy(false));
            }
            const last = Math.max(-1, ...all.map(({ lastStartedAt }) => lastStartedAt));
            const starts = parts.filter(([user, sign]) => user === userId && sign === 1);
            assert.equal(last, Math.max(-1, ...starts.map(([, , one]) => +one.started_at)));
          }
        },
      ),
      120,
    );
  });

  await t.test('a call starts before a time if it ever did', async (t) => {
    const minus = contentOn(0, 1);
    await corrections.insert([
      correctionOf({ callId: 'b', userId: 'u-before' }, { plus: contentOn(-3, 1), minus }),
    ]);
    await store.calls.insert([rowOf({ callId: 'b', userId: 'u-before', startedAt: NOON }, { offset: 1 })]);
    t.equal(await tallies.startsBefore('u-before', NOON - 3 * DAY_MS), false);
    t.equal(await tallies.startsBefore('u-before', NOON - 3 * DAY_MS + 1), true);
  });
});
