import { strict as assert } from 'node:assert';
import { addPieces, type FillProgress, firstDayOfWrittenDetail, readFillStatuses } from '@calltally/counters';
import {
  addTallies,
  type Call,
  type CallVersion,
  type CellFilter,
  type CellTally,
  DIMENSIONS,
  type Dimension,
  firstDayOfMonth,
  INTERVALS,
  isDeleted,
  LABEL_OF,
  monthOf,
  type Range,
  seriesOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { type Test, test } from 'tap';
import {
  type AnswerSource,
  auditUsers,
  fillUntilComplete,
  recordBatch,
  reopen,
  userDaySumsOf,
} from '../src/index.ts';
import { readArbitraries, readingWorld, startOf } from './reading-world.ts';
import {
  batchOf,
  bound,
  callOf,
  DAY_MS,
  dashboardOracle,
  holds,
  seriesOracle,
  testReader,
  until,
} from './support.ts';

/** Cells of a month are kept for all of them, of which some are too old to be kept by day. */
const RETENTION_MONTHS = 5;
const VALUES = {
  agent: ['', 'ada', 'Zoë, 1'],
  direction: ['', 'inbound', 'sideways'],
  status: ['', 'completed', 'failed', 'failed '],
} as const satisfies Record<Dimension, readonly string[]>;

/** The label of a call; '' if it has none. */
function labelOf(call: Call, dimension: Dimension): string {
  return call[LABEL_OF[dimension]] ?? '';
}

function passing(calls: readonly Call[], filter: CellFilter): Call[] {
  return calls.filter((call) =>
    DIMENSIONS.every((dimension) => filter[dimension]?.includes(labelOf(call, dimension)) ?? true),
  );
}

/** What a breakdown must tell, from the plain calls: a line for each group, in order. */
function linesOfCalls(calls: readonly Call[], { from, until }: Range, by: readonly Dimension[]): string[] {
  const groups = new Map<string, [calls: number, durationMs: number]>();
  for (const call of calls) {
    if (call.startedAt < from || call.startedAt >= until) continue;
    const name = JSON.stringify(DIMENSIONS.map((one) => (by.includes(one) ? labelOf(call, one) : '')));
    const [count, durationMs] = groups.get(name) ?? [0, 0];
    groups.set(name, [count + 1, durationMs + call.durationMs]);
  }
  return [...groups].map(([name, sums]) => `${name}: ${sums}`).sort();
}

function linesOf(groups: readonly CellTally[]): string[] {
  return groups
    .map(({ cell, calls, durationMs }) => {
      const name = JSON.stringify(DIMENSIONS.map((dimension) => cell[LABEL_OF[dimension]] ?? ''));
      return `${name}: ${[calls, durationMs]}`;
    })
    .sort();
}

/** Calls of one user as producers tell of them: of each the highest revision counts, of the same one the first. */
class Told {
  readonly #versions = new Map<string, CallVersion>();
  /** By month, cells that a call had in any version. */
  readonly cells = new Map<number, Set<string>>();

  add(event: CallVersion): void {
    const standing = this.#versions.get(event.callId);
    if (standing !== undefined && (standing.revision ?? 0) >= (event.revision ?? 0)) return;
    this.#versions.set(event.callId, event);
    if (isDeleted(event)) return;
    const month = monthOf(Math.floor(event.startedAt / DAY_MS));
    const cell = JSON.stringify(DIMENSIONS.map((dimension) => labelOf(event, dimension)));
    this.cells.set(month, (this.cells.get(month) ?? new Set()).add(cell));
  }

  calls(): Call[] {
    return [...this.#versions.values()].filter((event) => !isDeleted(event));
  }
}

/** Any calls, corrections, ranges, labels and clocks, of users who are complete, half-filled or cold. */
async function readAnything(t: Test, cellsMax: number, runs: number) {
  const { ledger, count, world, store, filler, rowsAsOf, cells } = await readingWorld(t, {
    retentionMonths: RETENTION_MONTHS,
    cellsMax,
  });
  // Nobody but the test fills.
  filler.stop();
  // Answers from rows look for corrections once they have heard of one.
  const corrected = callOf('u-corrected');
  await count([corrected]);
  await count([{ ...corrected, revision: 1, durationMs: 5 }]);
  await until(
    () => rowsAsOf.state(),
    ({ hasCorrections }) => hasCorrections,
  );
  const nowMs = Date.now();
  const { someTime, clock } = readArbitraries(nowMs);
  const labels = fc.record({
    agentId: fc.constantFrom(...VALUES.agent),
    direction: fc.constantFrom(...VALUES.direction),
    status: fc.constantFrom(...VALUES.status),
  });
  const someEvent = fc.record({
    call: fc.nat(9),
    revision: fc.nat(6),
    isDeleted: fc.integer({ min: 0, max: 5 }).map((die) => die === 0),
    startedAt: someTime,
    durationMs: fc.nat(1_000_000),
    labels,
  });
  const values = (dimension: Dimension) =>
    fc.option(fc.subarray([...VALUES[dimension], 'nobody'], { minLength: 1 }), { nil: undefined, freq: 2 });
  const someRead = fc.record({
    state: fc.oneof(
      fc.constantFrom('complete' as const, 'complete' as const, 'cold' as const, 'as it is' as const),
      fc.record({ since: someTime }),
    ),
    clock,
    by: fc.subarray([...DIMENSIONS], { minLength: 1 }),
    filter: fc.record(
      { agent: values('agent'), direction: values('direction'), status: values('status') },
      { requiredKeys: [] },
    ),
    interval: fc.constantFrom(...INTERVALS),
    range: fc.oneof(
      fc
        .tuple(someTime, someTime)
        .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) + 1 })),
      // Only ranges of whole days are answered from counters alone.
      {
        weight: 3,
        arbitrary: fc
          .tuple(someTime, fc.integer({ min: 1, max: 90 }))
          .map(([from, days]): Range => ({ from: startOf(from), until: startOf(from) + days * DAY_MS })),
      },
      fc.constant<Range>({ from: nowMs - 400 * DAY_MS, until: nowMs + 400 * DAY_MS }),
    ),
  });
  type Read = typeof someRead extends fc.Arbitrary<infer T> ? T : never;

  async function bring(userId: string, state: Read['state']): Promise<void> {
    if (state === 'cold') await world.admin.del(`ct2:{${userId}}`);
    else if (state === 'complete') await fillUntilComplete(ledger, [userId]);
    else if (typeof state === 'object') {
      await reopen(ledger, [userId]);
      const statuses = await readFillStatuses(ledger.session, ledger.generations, [userId]);
      const filling = statuses[0] as FillProgress;
      const range = { from: state.since, until: Infinity };
      const rows = await store.tallies.sumByDayAndPartition([userId], filling.base, {
        range,
        detailFrom: firstDayOfWrittenDetail(Date.now()),
      });
      const [sums] = userDaySumsOf([userId], rows);
      const piece = { filling, sums: sums!, fromMs: state.since };
      assert.deepEqual(await addPieces(ledger.session, ledger.generations, [piece]), [true]);
    }
  }

  const seen = new Map<string, number>();
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(fc.array(someEvent, { maxLength: 14 }), { minLength: 1, maxLength: 3 }),
    fc.array(someRead, { minLength: 1, maxLength: 5 }),
    async (batches, reads) => {
      run += 1;
      const userId = `u-cells-${run}`;
      const told = new Told();
      for (const batch of batches) {
        const events = batch.map((event): CallVersion => {
          const { call, revision, startedAt, durationMs, labels } = event;
          const callId = `c${call}`;
          if (event.isDeleted) return { callId, userId, deleted: true, revision: revision + 1 };
          const given = Object.entries(labels).filter(([, value]) => value !== '');
          return { callId, userId, startedAt, durationMs, revision, ...Object.fromEntries(given) };
        });
        await count(events);
        // `count` gives every other one to another partition.
        const inOrder = [0, 1].flatMap((parity) => events.filter((_, i) => i % 2 === parity));
        for (const event of inOrder) told.add(event);
        for (const { state, clock, by, filter: some, interval, range } of reads) {
          const filter = Object.fromEntries(
            Object.entries(some).filter(([, values]) => values),
          ) as CellFilter;
          await bring(userId, state);
          const calls = passing(told.calls(), filter);
          const { groups, source, isBeyondCells } = await cells.breakdown(userId, range, by, filter, clock);
          assert.deepEqual(linesOf(groups), linesOfCalls(calls, range, by));
          const dashboard = await cells.dashboard(userId, range, filter, clock);
          const { range: total, today, thisWeek, thisMonth } = dashboard;
          assert.deepEqual(
            { range: total, today, thisWeek, thisMonth },
            dashboardOracle(calls, range, clock),
          );
          assert.deepEqual(addTallies(...groups), total);
          const series = await cells.series(userId, range, seriesOf(range, interval), filter, clock);
          assert.deepEqual(series.tallies, seriesOracle(calls, range, interval));
          for (const one of [{ source, isBeyondCells }, dashboard, series]) {
            if (!one.isBeyondCells) continue;
            assert.equal(one.source, 'mongo');
            assert.ok([...told.cells.values()].some(({ size }) => size > cellsMax));
          }
          const kind = typeof state === 'object' ? 'in part' : state;
          const what = isBeyondCells ? 'beyond' : `${kind}: ${source}`;
          seen.set(what, (seen.get(what) ?? 0) + 1);
        }
        assert.deepEqual((await auditUsers(ledger, [userId])).differences, []);
      }
    },
  );
  await holds(t, property, runs);
  t.comment([...seen].sort());
  return seen;
}

test('breakdowns and filters, of any calls, corrections, ranges and users: always those of a plain oracle', async (t) => {
  const seen = await readAnything(t, 1_000, 60);
  for (const what of [
    'complete: counters',
    'complete: counters+mongo',
    'in part: counters+mongo',
    'cold: mongo',
  ]) {
    t.ok(seen.has(what), what);
  }
  t.equal(seen.get('beyond'), undefined);
});

test('the same of users who have more cells in some months than counters hold', async (t) => {
  const seen = await readAnything(t, 3, 60);
  for (const what of ['beyond', 'complete: counters+mongo', 'cold: mongo']) {
    t.ok(seen.has(what), what);
  }
});

test('the same where counters hold no cells', async (t) => {
  const seen = await readAnything(t, 0, 8);
  t.strictSame(
    [...seen.keys()].filter((what) => !what.endsWith(': mongo')),
    [],
  );
});

test('reading breakdowns', async (t) => {
  const { world, store, ledger, offsets, count, cells } = await readingWorld(t, {
    retentionMonths: RETENTION_MONTHS,
  });

  await t.test('days are kept for 62 days: older months as a whole, parts of them from rows', async (t) => {
    const nowMs = Date.now();
    const today = Math.floor(nowMs / DAY_MS);
    const daysFrom = firstDayOfMonth(monthOf(today - 61)) * DAY_MS;
    const monthFrom = firstDayOfMonth(monthOf(today - 61) - 1) * DAY_MS;
    const times = [monthFrom, monthFrom + DAY_MS, daysFrom - 1, daysFrom, daysFrom + DAY_MS + 5, nowMs];
    const calls = times.map((startedAt, i) =>
      callOf('u-62', { startedAt, durationMs: 2 ** i, status: i % 2 === 0 ? 'failed' : 'completed' }),
    );
    await count(calls);
    const paths: [string, Range, AnswerSource][] = [
      ['an older month', { from: monthFrom, until: daysFrom }, 'counters'],
      ['from an older month on', { from: monthFrom, until: nowMs + 1 }, 'counters'],
      ['whole days', { from: daysFrom + DAY_MS, until: daysFrom + 3 * DAY_MS }, 'counters'],
      ['whole days of an older month', { from: monthFrom + DAY_MS, until: nowMs + 1 }, 'counters+mongo'],
      ['to within an older month', { from: monthFrom, until: monthFrom + 2 * DAY_MS }, 'counters+mongo'],
      ['within a day', { from: daysFrom + DAY_MS + 1, until: daysFrom + 2 * DAY_MS - 9 }, 'counters+mongo'],
    ];
    for (const [name, range, wanted] of paths) {
      const { groups, source } = await cells.breakdown('u-62', range, ['status'], {}, nowMs);
      t.strictSame(linesOf(groups), linesOfCalls(calls, range, ['status']), name);
      t.equal(source, wanted, name);
      for (const interval of INTERVALS) {
        const filter = { status: ['failed'] };
        const found = await cells.series('u-62', range, seriesOf(range, interval), filter, nowMs);
        t.strictSame(
          found.tallies,
          seriesOracle(passing(calls, filter), range, interval),
          `${name}, ${interval}`,
        );
      }
    }
  });

  await t.test(
    'an answer from both is of one cut, while calls change their cells between the two',
    async (t) => {
      const nowMs = startOf(Date.now()) + DAY_MS / 2;
      const day = startOf(nowMs) - 5 * DAY_MS;
      const userId = 'u-cut';
      const at = (startedAt: number) => callOf(userId, { startedAt, agentId: 'ada', status: 'completed' });
      const before = [at(day + 2), at(day + 10), at(day + DAY_MS), at(day + 2 * DAY_MS - 3)];
      await count(before);
      const after = [
        ...before.map((call): Call => ({ ...call, revision: 1, status: 'failed', durationMs: 7 })),
        at(day + 3),
        at(day + 11),
      ];
      let hasCounted = false;
      const tallies = bound(store.tallies, {
        sumByCell: async (...given) => {
          if (!hasCounted) {
            hasCounted = true;
            await count(after);
          }
          return store.tallies.sumByCell(...given);
        },
      });
      const { link, cells } = await testReader(t, world, bound(store, { tallies }));
      await until(
        () => link.current,
        (live) => live !== undefined,
      );
      const range = { from: day + 5, until: day + 2 * DAY_MS - 1 };
      for (const calls of [before, after]) {
        const { groups, source } = await cells.breakdown(userId, range, [...DIMENSIONS], {}, nowMs);
        t.equal(source, 'counters+mongo');
        t.strictSame(linesOf(groups), linesOfCalls(calls, range, DIMENSIONS));
      }
    },
  );

  await t.test('while two partitions count, every breakdown is of one cut', async (t) => {
    const nowMs = startOf(Date.now()) + DAY_MS / 2;
    const day = startOf(nowMs) - 4 * DAY_MS;
    const userId = 'u-live';
    const range = { from: day + 5, until: nowMs + 1 };
    const events = [0, 1].map((partition) => eventsOf(userId, partition, day));
    const cuts = events.map((some) => new Set(some.map((_, i) => String(countedOf(some, i, range)))));
    for (const known of cuts) known.add('');
    let isDone = false;
    const writing = Promise.all(
      events.map(async (some, partition) => {
        for (const call of some) {
          await recordBatch(ledger, batchOf(partition, [{ offset: offsets[partition]!++, call }]));
        }
      }),
    ).finally(() => {
      isDone = true;
    });
    const sources = new Map<string, number>();
    while (!isDone) {
      const { groups, source } = await cells.breakdown(userId, range, [...DIMENSIONS], {}, nowMs);
      sources.set(source, (sources.get(source) ?? 0) + 1);
      const counted = groups.flatMap(({ cell, calls, durationMs }) => {
        const numbers = bitsOf(durationMs);
        assert.equal(numbers.length, calls);
        for (const number of numbers) assert.equal(cell.status, statusOf(number));
        return numbers;
      });
      for (const [partition, known] of cuts.entries()) {
        const ofPartition = counted.filter((number) => number % 2 === partition).sort((a, b) => a - b);
        assert.ok(known.has(String(ofPartition)), `${ofPartition} of ${partition}, from ${source}`);
      }
    }
    await writing;
    t.comment([...sources]);
    await fillUntilComplete(ledger, [userId]);
    const { groups } = await cells.breakdown(userId, range, ['status'], {}, nowMs);
    const last = events.flatMap((some) => countedOf(some, some.length - 1, range)).sort((a, b) => a - b);
    t.strictSame(
      groups.flatMap(({ durationMs }) => bitsOf(durationMs)).sort((a, b) => a - b),
      last,
    );
  });
});

const VERSIONS = 22;
const STATUSES = ['completed', 'failed', 'busy'];

/** Of the version with a number. Its duration is 2 to the power of the number. */
function statusOf(number: number): string {
  return STATUSES[number % 3]!;
}

/** Each third is a call, which two corrections follow that change its status, its start or both. Numbers of one parity. */
function eventsOf(userId: string, partition: number, day: number): Call[] {
  return Array.from({ length: VERSIONS }, (_, i) => {
    const number = 2 * i + partition;
    const starts = [day + 2, day + 9, day + DAY_MS + 1, day + 2];
    return {
      callId: `c${partition}-${Math.floor(i / 3)}`,
      userId,
      revision: i % 3,
      startedAt: starts[(i + Math.floor(i / 3)) % 4]!,
      durationMs: 2 ** number,
      status: statusOf(number),
    };
  });
}

/** Numbers of the versions in a range that count after some events. */
function countedOf(events: readonly Call[], last: number, { from, until }: Range): number[] {
  const latest = new Map(events.slice(0, last + 1).map((call) => [call.callId, call]));
  return [...latest.values()]
    .filter(({ startedAt }) => startedAt >= from && startedAt < until)
    .map(({ durationMs }) => Math.log2(durationMs))
    .sort((a, b) => a - b);
}

function bitsOf(durationMs: number): number[] {
  const bits: number[] = [];
  for (let rest = durationMs, bit = 0; rest > 0; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) bits.push(bit);
  }
  return bits;
}
