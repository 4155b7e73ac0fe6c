import {
  BREAKDOWN_ORDERS,
  type BreakdownGroupData,
  type BreakdownOrder,
  breakdownData,
  breakdownGroupsMax,
  type Cell,
  CellSums,
  type CellTally,
  DIMENSIONS,
  type Dimension,
  type EffectiveRange,
  FIELD_OF,
  projectCell,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const range: EffectiveRange = {
  from: 0,
  until: 1,
  startDate: '2026-03-01T00:00:00Z',
  endDate: '2026-03-28T23:59:59Z',
};

const label = fc.oneof(
  fc.constantFrom(undefined, 'a', 'b', 'ä', '\uffff', '\u{10000}', 'aa'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }),
);
const by = fc.uniqueArray(fc.constantFrom(...DIMENSIONS), { minLength: 1 });
const sums = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 46 }));
const groups = (dimensions: readonly Dimension[]) =>
  fc
    .array(fc.tuple(label, label, label, sums, fc.oneof(fc.nat(5_000), fc.nat(2 ** 46))), { maxLength: 30 })
    .map((rows) => {
      const cells = new CellSums();
      for (const [agentId, direction, status, calls, durationMs] of rows) {
        const cell = { agentId, direction, status } as Cell;
        cells.add(projectCell(cell, dimensions), { calls, durationMs });
      }
      return cells.tallies();
    });
const asked = by.chain((dimensions) =>
  fc.record({
    by: fc.constant(dimensions),
    tallies: groups(dimensions),
    order: fc.constantFrom(...BREAKDOWN_ORDERS),
    limit: fc.integer({ min: 1, max: 40 }),
  }),
);

const total = (all: readonly { calls: number; duration_ms: number }[]) => ({
  calls: all.reduce((sum, { calls }) => sum + calls, 0),
  durationMs: all.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
});

/** Hundredths of a number with two decimals, ten-thousandths with four. */
const shifted = (shown: number, decimals: number) => {
  const [whole = '', fraction = ''] = JSON.stringify(shown).split('.');
  if (fraction.length > decimals) throw new Error(`${shown} has more than ${decimals} decimals`);
  return BigInt(whole + fraction.padEnd(decimals, '0'));
};
const halfUp = (dividend: bigint, divisor: bigint) => (2n * dividend + divisor) / (2n * divisor);

test('by agent, most calls first', async (t) => {
  const tallies: CellTally[] = [
    { cell: {}, calls: 1, durationMs: 600 },
    { cell: { agentId: 'b' }, calls: 2, durationMs: 120_000 },
    { cell: { agentId: 'a' }, calls: 2, durationMs: 60_300 },
    { cell: { agentId: 'c' }, calls: 1, durationMs: 0 },
  ];
  t.strictSame(breakdownData(['agent'], tallies, range, { limit: 2 }), {
    by: ['agent'],
    groups: [
      group('a', { calls: 2, ms: 60_300, minutes: 1.01, average: 0.51, share: 0.3333 }),
      group('b', { calls: 2, ms: 120_000, minutes: 2, average: 1, share: 0.3333 }),
    ],
    rest: {
      groups: 2,
      calls: 2,
      duration_ms: 600,
      duration_minutes: 0.01,
      avg_duration_minutes: 0.01,
      share_of_calls: 0.3333,
    },
    date_range: { start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
  });
  const orderOf = (order: BreakdownOrder) =>
    breakdownData(['agent'], tallies, range, { order }).groups.map(({ agent_id }) => agent_id);
  t.strictSame(orderOf('calls'), ['a', 'b', 'c', null]);
  t.strictSame(orderOf('duration'), ['b', 'a', null, 'c']);
  t.strictSame(orderOf('average'), ['b', 'a', null, 'c']);
  t.strictSame(orderOf('name'), ['a', 'b', 'c', null]);
});

test('the average orders as it is shown', async (t) => {
  // 225 ms a call are shown as 0.01, 299 ms as 0.
  const tallies = [
    { cell: { agentId: 'longer' }, calls: 1, durationMs: 299 },
    { cell: { agentId: 'shorter' }, calls: 4, durationMs: 900 },
  ];
  const { groups } = breakdownData(['agent'], tallies, range, { order: 'average' });
  t.strictSame(
    groups.map(({ agent_id, avg_duration_minutes }) => [agent_id, avg_duration_minutes]),
    [
      ['shorter', 0.01],
      ['longer', 0],
    ],
  );
});

test('no calls give no groups', async (t) => {
  t.match(breakdownData(['status', 'agent'], [], range), { by: ['status', 'agent'], groups: [], rest: null });
});

test('groups and rest are all of it, and no more groups than the limit', async (t) => {
  fc.assert(
    fc.property(asked, ({ by, tallies, order, limit }) => {
      const { groups, rest } = breakdownData(by, tallies, range, { order, limit });
      const sum = { calls: 0, durationMs: 0 };
      for (const { calls, durationMs } of tallies) {
        sum.calls += calls;
        sum.durationMs += durationMs;
      }
      t.strictSame(total(rest === null ? groups : [...groups, rest]), sum);
      t.equal(groups.length, Math.min(limit, tallies.length));
      t.equal(rest?.groups ?? 0, tallies.length - groups.length);
    }),
  );
});

test('each group has its labels, and its figures exactly', async (t) => {
  fc.assert(
    fc.property(asked, ({ by, tallies, order, limit }) => {
      const { groups, rest } = breakdownData(by, tallies, range, { order, limit });
      const calls = tallies.reduce((sum, tally) => sum + BigInt(tally.calls), 0n);
      for (const shown of rest === null ? groups : [...groups, rest]) {
        const minutes = halfUp(BigInt(shown.duration_ms), 600n);
        t.equal(shifted(shown.duration_minutes, 2), minutes);
        t.equal(shifted(shown.avg_duration_minutes, 2), halfUp(minutes, BigInt(shown.calls)));
        t.equal(shifted(shown.share_of_calls, 4), halfUp(10_000n * BigInt(shown.calls), calls));
      }
      const nameOf = (of: (dimension: Dimension) => string | null | undefined) => JSON.stringify(by.map(of));
      const given = new Map(
        tallies.map((tally) => [
          nameOf((d) => tally.cell[d === 'agent' ? 'agentId' : d] ?? null),
          [tally.calls, tally.durationMs],
        ]),
      );
      for (const shown of groups) {
        t.strictSame(given.get(nameOf((d) => shown[FIELD_OF[d]])), [shown.calls, shown.duration_ms]);
        t.equal(Object.keys(shown).length, by.length + 5);
      }
    }),
  );
});

test('groups are in order, ties by the bytes of their names, null last, and the rest comes after', async (t) => {
  fc.assert(
    fc.property(asked, ({ by, tallies, order, limit }) => {
      const { groups } = breakdownData(by, tallies, range, { order, limit: 1_000 });
      const first = breakdownData(by, tallies, range, { order, limit }).groups;
      t.strictSame(first, groups.slice(0, limit));
      for (const [i, one] of groups.entries()) {
        const next = groups[i + 1];
        if (next === undefined) return;
        const [a, b] = [measureOf(one, order), measureOf(next, order)];
        t.ok(a > b || (a === b && Buffer.compare(bytesOf(one, by), bytesOf(next, by)) < 0));
      }
    }),
  );
});

test('without a limit it is a thousand groups', async (t) => {
  const tallies = Array.from({ length: breakdownGroupsMax + 1 }, (_, i) => ({
    cell: { agentId: `a-${i}` },
    calls: 1,
    durationMs: 1,
  }));
  const { groups, rest } = breakdownData(['agent'], tallies, range);
  t.equal(groups.length, 1_000);
  t.match(rest, { groups: 1, calls: 1, duration_ms: 1, share_of_calls: 0.001 });
});

function group(
  agent_id: string,
  shown: { calls: number; ms: number; minutes: number; average: number; share: number },
): BreakdownGroupData {
  return {
    agent_id,
    calls: shown.calls,
    duration_ms: shown.ms,
    duration_minutes: shown.minutes,
    avg_duration_minutes: shown.average,
    share_of_calls: shown.share,
  };
}

function measureOf(group: BreakdownGroupData, order: BreakdownOrder): number {
  if (order === 'name') return 0;
  if (order === 'calls') return group.calls;
  return order === 'duration' ? group.duration_ms : group.avg_duration_minutes;
}

/** UTF-8 has no 0xff, and labels no control characters. */
function bytesOf(group: BreakdownGroupData, by: readonly Dimension[]): Buffer {
  const parts = by.map((dimension) => {
    const value = group[FIELD_OF[dimension]];
    return value == null ? Buffer.of(0xff) : Buffer.from(`${value}\0`);
  });
  return Buffer.concat(parts);
}
