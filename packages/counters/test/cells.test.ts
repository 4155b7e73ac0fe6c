import { strict as assert } from 'node:assert';
import {
  type Cell,
  CellSums,
  type CellTally,
  cellKey,
  dayOf,
  firstDayOfMonth,
  monthOf,
  type Segment,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addPieces,
  applyEvents,
  type CountableEvent,
  ensureGenerations,
  forgetUsers,
  readCells,
  snapshotUser,
} from '../src/index.ts';
import { DAY_MS, holds, opened, RETENTION_MONTHS, sumsOf, testCounters, warm } from './support.ts';

const NOW = Date.now();
const TODAY = dayOf(NOW);
const MONTH = monthOf(TODAY);
const CELLS_MAX = 1_000;

/** With everything that the keys and fields have a syntax for. */
const AGENTS = ['ada', 'n', '0', '1,=x', 'a', '-', '}{', '💬客户', '%7D:'];
const LABELS = ['inbound', 'outbound', 'completed', 'no_answer', '=', ',i', 'i', 'c', 'sideways'];

const label = (values: readonly string[]) => fc.option(fc.constantFrom(...values), { nil: undefined });
const cells: fc.Arbitrary<Cell> = fc
  .record({ agentId: label(AGENTS), direction: label(LABELS), status: label(LABELS) })
  .map((cell) => JSON.parse(JSON.stringify(cell)));

type Counted = Pick<CountableEvent, 'startedAt' | 'durationMs' | 'correction'> & { cell: Cell };

/** By the plain events. */
function tallied(events: readonly Counted[], within: (day: number) => boolean): CellTally[] {
  const sums = new CellSums();
  for (const { startedAt, durationMs, cell, correction } of events) {
    if (within(dayOf(startedAt))) sums.add(cell, { calls: 1, durationMs }, correction?.sign ?? 1);
  }
  return inOrder(sums.tallies());
}

function inOrder(tallies: readonly CellTally[]): CellTally[] {
  const key = ({ cell }: CellTally) => cellKey(cell);
  return tallies
    .map(({ cell, calls, durationMs }) => ({ cell, calls, durationMs }))
    .filter(({ calls, durationMs }) => calls !== 0 || durationMs !== 0)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function summed(tallies: readonly CellTally[]): CellTally[] {
  const sums = new CellSums();
  for (const tally of tallies) sums.add(tally.cell, tally);
  return inOrder(sums.tallies());
}

test('sums by cell', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const apply = (userId: string, partition: string, events: CountableEvent[]) =>
    applyEvents(session, generations, partition, [{ userId, events }]).then(([applied]) => applied);
  const read = (userId: string, segments: Segment[]) =>
    readCells(session, generations, userId, NOW, segments);
  const daysOfMonth = (month: number): Segment => ({ kind: 'days', month, first: 1, last: 31 });
  const wholeMonth = (month: number): Segment => ({ kind: 'month', month });
  const keysOf = async (userId: string) => (await admin.keys(`ct2:{${userId}}:[cd]:*`)).sort();
  let run = 0;

  await t.test(
    'any batches of any cells, repeated and corrected, are what the events add up to',
    async (t) => {
      const event = fc.record({
        startedAt: fc.integer({ min: NOW - 130 * DAY_MS, max: NOW }),
        durationMs: fc.oneof(fc.nat(10_000), fc.nat(604_800_000), fc.constant(2 ** 40)),
        cell: cells,
        correction: fc.option(fc.constant({ sign: -1 as const, needs: [] }), { nil: undefined, freq: 4 }),
        repeat: fc.constantFrom(1, 1, 1, 200),
      });
      const batches = fc.array(fc.array(event, { minLength: 1, maxLength: 20 }), { maxLength: 8 });
      const property = fc.asyncProperty(batches, async (given) => {
        run += 1;
        const userId = `u-${run}`;
        await warm(counters, [userId], NOW);
        let offset = 0;
        const counted: Counted[] = [];
        for (const batch of given) {
          const events = batch.flatMap(({ repeat, ...one }) =>
            Array.from({ length: repeat }, () => {
              offset += 1;
              const { correction, ...rest } = one;
              return { ...rest, offset, ...(correction && { correction }) };
            }),
          );
          assert.equal(await apply(userId, '0:0', events), events.length);
          assert.equal(await apply(userId, '0:0', events), 0, 'the same again');
          counted.push(...events);
        }
        const months = [0, 1, 2, 3, 4, 5].map((back) => MONTH - back);
        const reading = (await read(userId, [
          ...months.map(wholeMonth),
          daysOfMonth(MONTH),
          daysOfMonth(MONTH - 1),
        ]))!;
        assert.equal(reading.isBeyond, false);
        for (const month of months) {
          const right = tallied(counted, (day) => monthOf(day) === month);
          assert.deepEqual(inOrder(reading.of(wholeMonth(month))), right);
          if (month < MONTH - 1) continue;
          assert.deepEqual(summed(reading.of(daysOfMonth(month))), right);
          for (const day of new Set(reading.of(daysOfMonth(month)).map((tally) => tally.day))) {
            const ofDay = reading.of(daysOfMonth(month)).filter((tally) => tally.day === day);
            assert.deepEqual(
              inOrder(ofDay),
              tallied(counted, (one) => one === day),
            );
          }
        }
      });
      await holds(t, property, 60);
    },
  );

  await t.test('filling adds to what was counted, by day and month, or by month alone', async (t) => {
    const [filling] = await opened(counters, ['u-fill'], NOW, new Map([['0:0', 10]]));
    const ada: Cell = { agentId: 'ada', direction: 'inbound' };
    const bob: Cell = { agentId: 'bob', status: 'elsewhere' };
    const old = firstDayOfMonth(MONTH - 10) + 3;
    t.equal(await apply('u-fill', '0:0', [{ offset: 11, startedAt: NOW, durationMs: 5, cell: bob }]), 1);
    const sums = {
      ...sumsOf('u-fill', [[TODAY, { calls: 3, durationMs: 30 }]], ['0:0']),
      detail: {
        cells: [
          { day: TODAY, cell: ada, calls: 2, durationMs: 20 },
          { day: TODAY, cell: bob, calls: 1, durationMs: 10 },
          { day: old, cell: ada, calls: 4, durationMs: 40 },
          { day: old + 1, cell: ada, calls: 1, durationMs: 2 },
        ],
        halfHours: [],
      },
    };
    t.strictSame(await addPieces(session, generations, [{ filling: filling!, sums, fromMs: -Infinity }]), [
      true,
    ]);
    const reading = (await read('u-fill', [wholeMonth(MONTH), daysOfMonth(MONTH), wholeMonth(MONTH - 10)]))!;
    const now = inOrder([
      { cell: ada, calls: 2, durationMs: 20 },
      { cell: bob, calls: 2, durationMs: 15 },
    ]);
    t.strictSame(inOrder(reading.of(wholeMonth(MONTH))), now);
    t.strictSame(inOrder(reading.of(daysOfMonth(MONTH))), now);
    t.strictSame(inOrder(reading.of(wholeMonth(MONTH - 10))), [{ cell: ada, calls: 5, durationMs: 42 }]);
    t.strictSame(
      await keysOf('u-fill'),
      [`ct2:{u-fill}:c:${MONTH - 10}`, `ct2:{u-fill}:c:${MONTH}`, `ct2:{u-fill}:d:${MONTH}`].sort(),
      'nothing by day of a month that is too old',
    );
    for (const key of await keysOf('u-fill')) t.ok((await admin.ttl(key)) > 62 * 86_400, `${key} expires`);

    await admin.del(`ct2:{u-fill}:d:${MONTH}`);
    t.equal(
      await read('u-fill', [daysOfMonth(MONTH)]),
      undefined,
      'days that are gone are not taken for none',
    );
    t.not(await read('u-fill', [wholeMonth(MONTH)]), undefined);

    await forgetUsers(session, ['u-fill']);
    await opened(counters, ['u-fill'], NOW);
    t.strictSame(await keysOf('u-fill'), [], 'opening deletes what an earlier life has left');
  });

  const cellOfNumber = (i: number): Cell => ({
    agentId: `agent-${i % 250}`,
    status: `s-${Math.floor(i / 250)}`,
  });
  const manyEvents = (count: number, from = 0): CountableEvent[] =>
    Array.from({ length: count }, (_, i) => ({
      offset: from + i,
      startedAt: NOW,
      durationMs: i,
      cell: cellOfNumber(i),
    }));

  await t.test(
    'a month that goes beyond the limit loses its cells for good, others keep theirs',
    async (t) => {
      await warm(counters, ['u-beyond'], NOW);
      t.equal(await apply('u-beyond', '0:0', manyEvents(CELLS_MAX)), CELLS_MAX);
      const full = (await read('u-beyond', [wholeMonth(MONTH), daysOfMonth(MONTH)]))!;
      t.equal(full.isBeyond, false);
      t.equal(full.of(wholeMonth(MONTH)).length, CELLS_MAX);
      t.strictSame(summed(full.of(daysOfMonth(MONTH))), inOrder(full.of(wholeMonth(MONTH))));

      const before = { ...cellOfNumber(0), direction: 'new' };
      const lastMonth = firstDayOfMonth(MONTH - 1) * DAY_MS;
      const more = [
        { offset: CELLS_MAX, startedAt: NOW, durationMs: 1, cell: before },
        { offset: CELLS_MAX + 1, startedAt: lastMonth, durationMs: 1, cell: before },
      ];
      t.equal(await apply('u-beyond', '0:0', more), 2, 'the calls count');
      const beyond = (await read('u-beyond', [wholeMonth(MONTH)]))!;
      t.equal(beyond.isBeyond, true);
      t.strictSame(await admin.hgetall(`ct2:{u-beyond}:c:${MONTH}`), { n: '-' });
      t.equal(await admin.exists(`ct2:{u-beyond}:d:${MONTH}`), 0);
      t.ok((await admin.ttl(`ct2:{u-beyond}:c:${MONTH}`)) > 0);
      const other = (await read('u-beyond', [wholeMonth(MONTH - 1), daysOfMonth(MONTH - 1)]))!;
      t.equal(other.isBeyond, false);
      t.strictSame(inOrder(other.of(wholeMonth(MONTH - 1))), [{ cell: before, calls: 1, durationMs: 1 }]);

      t.equal(await apply('u-beyond', '0:1', manyEvents(3)), 3);
      t.strictSame(await admin.hgetall(`ct2:{u-beyond}:c:${MONTH}`), { n: '-' }, 'it stays so');
      const snapshot = (await snapshotUser(session, generations, 'u-beyond', NOW))!;
      t.equal(snapshot.cells.get(MONTH)!.isBeyond, true);
      t.equal(snapshot.buckets.get(`m:${MONTH}`)!.calls, CELLS_MAX + 4);
    },
  );

  await t.test('a piece with too many cells says so, and adds none', async (t) => {
    const [filling] = await opened(counters, ['u-piece'], NOW);
    const sums = {
      ...sumsOf('u-piece', [[TODAY, { calls: CELLS_MAX + 1, durationMs: 0 }]]),
      detail: {
        cells: Array.from({ length: CELLS_MAX + 1 }, (_, i) => ({
          day: TODAY,
          cell: cellOfNumber(i),
          calls: 1,
          durationMs: 0,
        })),
        halfHours: [],
      },
    };
    t.strictSame(await addPieces(session, generations, [{ filling: filling!, sums, fromMs: -Infinity }]), [
      true,
    ]);
    t.strictSame(await admin.hgetall(`ct2:{u-piece}:c:${MONTH}`), { n: '-' });
    t.equal((await read('u-piece', [wholeMonth(MONTH)]))!.isBeyond, true);
  });

  await t.test('sums that were not added up by cell and half-hour are refused', async (t) => {
    const [filling] = await opened({ session, generations }, ['u-no-cells'], NOW);
    const tally = { calls: 1, durationMs: 5 };
    const sums = { ...sumsOf('u-no-cells', [[TODAY, tally]]), detail: undefined };
    const piece = { filling: filling!, sums, fromMs: -Infinity };
    await t.rejects(addPieces(session, generations, [piece]), { message: /^sums without detail/ });
    t.strictSame(await keysOf('u-no-cells'), [], 'nothing is written');
  });

  await t.test('two processes that name new cells at once give no number twice', async (t) => {
    const other = await counters.open();
    await warm(counters, ['u-race'], NOW);
    const events = (partition: number): CountableEvent[] =>
      Array.from({ length: 300 }, (_, i) => ({
        offset: i,
        startedAt: NOW,
        durationMs: 1 + partition,
        cell: cellOfNumber(partition === 0 ? i : 299 - i),
      }));
    const generationsOfOther = new Map([[other.masters[0]!, [...generations.values()][0]!]]);
    const [all0, all1] = [events(0), events(1)];
    await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        await applyEvents(session, generations, '0:0', [{ userId: 'u-race', events: [all0[i]!] }]);
        await applyEvents(other, generationsOfOther, '0:1', [{ userId: 'u-race', events: [all1[i]!] }]);
      }),
    );
    const reading = (await read('u-race', [wholeMonth(MONTH)]))!;
    t.strictSame(
      inOrder(reading.of(wholeMonth(MONTH))),
      inOrder(Array.from({ length: 300 }, (_, i) => ({ cell: cellOfNumber(i), calls: 2, durationMs: 3 }))),
    );
  });

  await t.test('a generation without cells keeps and reads none', async (t) => {
    const off = await ensureGenerations(session, {
      retentionMonths: RETENTION_MONTHS,
      cellsMax: 0,
      through: new Map([['0:0', -1]]),
      replacing: new Set([...generations.values()].map(({ id }) => id)),
    });
    await warm({ session, generations: off }, ['u-off'], NOW);
    const events = [{ offset: 1, startedAt: NOW, durationMs: 5, cell: { agentId: 'ada' } }];
    t.strictSame(await applyEvents(session, off, '0:0', [{ userId: 'u-off', events }]), [1]);
    t.strictSame(await keysOf('u-off'), []);
    t.equal(await readCells(session, off, 'u-off', NOW, [wholeMonth(MONTH)]), undefined);
    t.strictSame((await snapshotUser(session, off, 'u-off', NOW))!.cells, new Map());
    const [filling] = await opened({ session, generations: off }, ['u-off'], NOW);
    const sums = { ...sumsOf('u-off', [[TODAY, { calls: 1, durationMs: 5 }]]), detail: undefined };
    const piece = { filling: filling!, sums, fromMs: -Infinity };
    t.strictSame(await addPieces(session, off, [piece]), [true], 'it needs none, either');
  });
});
