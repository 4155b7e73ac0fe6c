import { strict as assert } from 'node:assert';
import {
  type CellFilter,
  type DurationBin,
  type DurationCount,
  durationBinOf,
  WIDE_BINS_FROM_MS,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  type CallContent,
  type CorrectionRow,
  type Cut,
  correctionId,
  cutAt,
  rowId,
  type Tallies,
} from '../src/index.ts';
import { ALL_ROWS, holds, NOON, rowOf, testStore } from './support.ts';

const DAY_MS = 86_400_000;
const DURATION_MAX_MS = 604_800_000;
const RANGE = { from: NOON - 1, until: NOON + 3 };

const someContent = fc.record({
  at: fc.integer({ min: -2, max: 4 }),
  duration_ms: fc.oneof(
    fc.nat(3_000),
    fc.nat(DURATION_MAX_MS),
    fc.integer({ min: WIDE_BINS_FROM_MS - 2, max: WIDE_BINS_FROM_MS + 2 }),
  ),
  agent_id: fc.constantFrom('a', 'b', undefined),
});
const someFilter = fc.constantFrom<CellFilter>({}, { agent: ['a'] }, { agent: ['', 'b'] });

type SomeContent = typeof someContent extends fc.Arbitrary<infer T> ? T : never;

function contentOf({ at, duration_ms, agent_id }: SomeContent): CallContent {
  const started_at = new Date(NOON + at);
  return { started_at, day: Math.floor(NOON / DAY_MS), duration_ms, ...(agent_id && { agent_id }) };
}

/** Both passes, over all bins: calls and milliseconds by bin, calls by duration, and the events of each. */
async function bothPasses(tallies: Tallies, userId: string, cut: Cut, filter: CellFilter) {
  const bins = await tallies.durationBins(userId, RANGE, cut, filter);
  const names = [...new Set(bins.map(({ bin }) => bin))];
  const values = await tallies.durationsOfBins(userId, RANGE, names, cut, filter);
  return { bins: byBin(bins), values: byDuration(values), events: [eventsOf(bins), eventsOf(values)] };
}

function byBin(bins: readonly DurationBin[]) {
  const sums = new Map<number, [calls: number, durationMs: number]>();
  for (const { bin, calls, durationMs } of bins) {
    const [before, beforeMs] = sums.get(bin) ?? [0, 0];
    sums.set(bin, [before + calls, beforeMs + durationMs]);
  }
  return new Map([...sums].filter(([, [calls, durationMs]]) => calls !== 0 || durationMs !== 0).sort());
}

function byDuration(values: readonly DurationCount[]) {
  const sums = new Map<number, number>();
  for (const { durationMs, calls } of values) sums.set(durationMs, (sums.get(durationMs) ?? 0) + calls);
  return new Map([...sums].filter(([, calls]) => calls !== 0).sort());
}

function eventsOf(tallies: readonly { events: number }[]): number {
  return tallies.reduce((sum, { events }) => sum + events, 0);
}

test('durations of rows and corrections', async (t) => {
  const { store } = await testStore(t);
  const { tallies, corrections, calls } = store;

  await t.test(
    'by bin and by value, filtered or not, in any range and at any cut, are those of an array',
    async (t) => {
      const someEvent = fc.record({
        plus: fc.option(someContent, { nil: undefined, freq: 4 }),
        minus: fc.option(someContent, { nil: undefined, freq: 3 }),
        isCorrection: fc.boolean(),
      });
      let run = 0;
      let seen = 0;
      const property = fc.asyncProperty(
        fc.array(someEvent, { maxLength: 30, size: 'max' }),
        fc.integer({ min: -1, max: 30 }),
        someFilter,
        fc.boolean(),
        async (events, through, filter, isCut) => {
          run += 1;
          const userId = `u-${run}`;
          const counted: [1 | -1, CallContent][] = [];
          const rows: Parameters<typeof calls.insert>[0][number][] = [];
          const corrected: CorrectionRow[] = [];
          for (const [offset, { plus, minus, isCorrection }] of events.entries()) {
            const callId = `${offset}`;
            const source = { stream: 0, partition: 0, offset };
            const isThrough = offset <= through;
            if (!isCorrection) {
              const {
                started_at: _s,
                day: _d,
                duration_ms: _m,
                ...deleted
              } = rowOf({ callId, userId }, source);
              rows.push({ ...deleted, ...(plus && contentOf(plus)) });
              if (plus && (isThrough || !isCut)) counted.push([1, contentOf(plus)]);
              continue;
            }
            corrected.push({
              _id: correctionId(rowId({ userId, callId }), 1),
              user_id: userId,
              revision: 1,
              source,
              replaces: source,
              ...(plus && { plus: contentOf(plus) }),
              ...(minus && { minus: contentOf(minus) }),
            });
            if (isThrough && plus) counted.push([1, contentOf(plus)]);
            if (isThrough && minus) counted.push([-1, contentOf(minus)]);
          }
          await calls.insert(rows);
          await corrections.insert(corrected);
          const mine = counted.filter(
            ([, { started_at, agent_id }]) =>
              +started_at >= RANGE.from &&
              +started_at < RANGE.until &&
              (filter.agent ?? [agent_id ?? '']).includes(agent_id ?? ''),
          );
          seen += mine.length;
          const stored = cutAt(new Map([['0:0', through]]));
          const cut = isCut ? stored : { ...stored, rows: undefined };
          assert.deepEqual(await bothPasses(tallies, userId, cut, filter), {
            bins: byBin(
              mine.map(([sign, { duration_ms }]) => ({
                bin: durationBinOf(duration_ms),
                calls: sign,
                durationMs: sign * duration_ms,
              })),
            ),
            values: byDuration(
              mine.map(([sign, { duration_ms }]) => ({ durationMs: duration_ms, calls: sign })),
            ),
            events: [mine.length, mine.length],
          });
        },
      );
      await holds(t, property, 100);
      t.ok(seen > 200, `${seen} counted`);
    },
  );

  await t.test('the server puts every duration into the same bin as we do', async (t) => {
    const edges = [
      ...Array.from({ length: 30 }, (_, k) => 2 ** k),
      ...[999, 1_000, 10_000, WIDE_BINS_FROM_MS, WIDE_BINS_FROM_MS + 10_000, DURATION_MAX_MS],
    ];
    const durations = [...new Set(edges.flatMap((edge) => [edge - 1, edge, edge + 1]))];
    await calls.insert(
      durations.map((durationMs, offset) =>
        rowOf({ callId: `edge-${offset}`, userId: 'u-edges', durationMs }, { offset }),
      ),
    );
    const bins = await tallies.durationBins('u-edges', RANGE, ALL_ROWS);
    t.strictSame(
      byBin(bins),
      byBin(durations.map((durationMs) => ({ bin: durationBinOf(durationMs), calls: 1, durationMs }))),
    );
    for (const bin of new Set(durations.map(durationBinOf))) {
      const found = await tallies.durationsOfBins('u-edges', RANGE, [bin], ALL_ROWS);
      t.strictSame(
        found.map(({ durationMs }) => durationMs).sort(),
        durations.filter((one) => durationBinOf(one) === bin).sort(),
      );
    }
  });

  await t.test('an unknown user has none', async (t) => {
    t.strictSame(await tallies.durationBins('nobody', RANGE, ALL_ROWS), []);
    t.strictSame(await tallies.durationsOfBins('nobody', RANGE, [0, 1_000], ALL_ROWS), []);
  });
});
