import fc from 'fast-check';
import { test } from 'tap';
import { ceilingsOf } from '../../src/capacity/ceilings.ts';
import { costsOf, inputsOf } from '../../src/capacity/inputs.ts';
import { planOf } from '../../src/capacity/needs.ts';
import { burstOf, simulate, whyNotPlayed } from '../../src/capacity/simulate.ts';

const costs = costsOf();
const given = inputsOf({ users: 1e6, callsPerDay: 5_000, largestShare: 0.0001 });
const plan = planOf(given, costs);

test('no event is lost or counted twice, whatever comes', (t) => {
  const burst = fc.record({
    factor: fc.double({ min: 1, max: 50, noNaN: true }),
    seconds: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(
      burst,
      fc.integer(),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (one, seed, largestShare) => {
        const all = { ...given, largestShare };
        const { arrived, counted, waiting, maxLagSeconds } = simulate(all, costs, plan, one, seed);
        return Math.abs(arrived - counted - waiting) <= 1e-6 * arrived && waiting >= 0 && maxLagSeconds >= 0;
      },
    ),
    { numRuns: 100 },
  );
  t.pass('100 runs');
  t.end();
});

test('in the busiest second that was planned for nothing waits', (t) => {
  t.match(simulate(given, costs, plan, burstOf(1, 60)), {
    maxLagSeconds: 0,
    heldUpBy: 'nothing',
    waiting: 0,
  });
  t.end();
});

test('a longer or larger burst is never caught up sooner', (t) => {
  const lags = [3, 6, 12].map((factor) => simulate(given, costs, plan, burstOf(factor, 60)));
  t.ok(lags[0]!.maxLagSeconds > 0, 'more than there is room for');
  t.ok(lags[0]!.maxLagSeconds < lags[1]!.maxLagSeconds && lags[1]!.maxLagSeconds < lags[2]!.maxLagSeconds);
  const [short, long] = [30, 120].map((seconds) => simulate(given, costs, plan, burstOf(6, seconds)));
  t.ok(short!.caughtUpSeconds! < long!.caughtUpSeconds!);
  t.ok(lags[1]!.caughtUpSeconds! > 0, 'not before its end');
  t.equal(simulate(given, costs, plan, burstOf(1, 60)).caughtUpSeconds, 0, 'nothing waits when it ends');
  t.end();
});

test('who holds up counting is named', (t) => {
  const heldUpBy = (counts: Partial<typeof plan.counts>, more: Partial<typeof given> = {}) =>
    simulate({ ...given, ...more }, costs, { ...plan, counts: { ...plan.counts, ...counts } }, burstOf(1, 60))
      .heldUpBy;
  t.equal(heldUpBy({ ingest: 1 }), 'ingest');
  t.equal(heldUpBy({ master: 1 }), 'master');
  t.equal(heldUpBy({}, { shardCores: 0.001 }), 'shard');
  const quick = costsOf([
    'ingest-event=1',
    'ingest-user=0',
    'ingest-detail-event=0',
    'ingest-detail-user=0',
    'ingest-batch=0',
  ]);
  const whale = { ...given, largestShare: 0.9 };
  t.equal(
    simulate(whale, quick, planOf(given, quick), burstOf(1, 60)).heldUpBy,
    'partition',
    'nearly all are of one user',
  );
  t.end();
});

test('a burst that cannot be is refused', (t) => {
  for (const [factor, seconds] of [
    [0.5, 60],
    [Number.NaN, 60],
    [2, 0],
    [2, 1e9],
  ] as const) {
    t.throws(() => burstOf(factor, seconds), {
      code: 'CAPACITY_INPUT',
      message: /^--burst-\w+ is .*: write a number/,
    });
  }
  t.end();
});

test('more parts than anybody has are not played', (t) => {
  const huge = inputsOf({ users: 1e10, callsPerDay: 1e6 });
  t.match(whyNotPlayed(planOf(huge, costs)), { why: /several installations/ });
  t.equal(whyNotPlayed(plan), undefined);
  t.end();
});

test('what stands in the way of more parts is told in the order in which it comes', (t) => {
  const shares = ceilingsOf(given, costs, plan).map(({ need, has }) => need / has);
  t.strictSame(
    shares,
    shares.toSorted((a, b) => b - a),
  );
  const whale = { ...given, largestShare: 1 };
  const ofWhale = ceilingsOf(whale, costs, planOf(whale, costs)).find(({ what }) =>
    what.includes('largest user'),
  );
  t.ok(ofWhale!.need > ofWhale!.has, 'one user has more than a partition can count');
  t.end();
});
