import fc from 'fast-check';
import { test } from 'tap';
import { Positions } from '../src/positions.ts';

const positionsAt = (next: number, before?: Positions) =>
  new Positions(new Map([[0, next]]), new Map(), 9_000, before);
const watermarks = (end: number) => new Map([[0, { earliest: 0, end }]]);

test('as-of is a time at which the end had been asked for, and everything below that end is counted', async () => {
  // The producer writes, the consumer counts, and the brokers are asked now and then.
  const step = fc.oneof(
    fc.record({ kind: fc.constant('produce' as const), n: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('count' as const), n: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant('ask' as const), n: fc.constant(0) }),
    fc.record({ kind: fc.constant('another epoch' as const), n: fc.constant(0) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let positions = positionsAt(0);
      const acknowledgedAt: number[] = [];
      let now = 0;
      let counted = 0;
      let asOf: number | undefined;
      for (const { kind, n } of steps) {
        now++;
        if (kind === 'produce') for (let i = 0; i < n; i++) acknowledgedAt.push(now);
        if (kind === 'count') {
          counted = Math.min(counted + n, acknowledgedAt.length);
          positions.moved(0, counted);
        }
        if (kind === 'ask') positions.probed(now, watermarks(acknowledgedAt.length));
        if (kind === 'another epoch') positions = positionsAt(counted, positions);
        asOf = positions.takeReached().get(0) ?? asOf;
        if (asOf !== undefined && acknowledgedAt.slice(counted).some((at) => at < asOf!)) return false;
      }
      return true;
    }),
  );
});

test('as-of moves on although events never stop coming', async (t) => {
  const positions = positionsAt(0);
  positions.probed(1_000, watermarks(10));
  positions.moved(0, 8);
  positions.probed(2_000, watermarks(20));
  t.equal(positions.takeReached().size, 0, 'not before the first end is reached');
  positions.moved(0, 12);
  t.strictSame(positions.takeReached(), new Map([[0, 1_000]]), 'when the first end was asked for');
  t.equal(positions.takeReached().size, 0, 'once');
  positions.probed(3_000, watermarks(30));
  positions.moved(0, 30);
  positions.probed(4_000, watermarks(40));
  t.strictSame(
    positions.takeReached(),
    new Map([[0, 3_000]]),
    'even if the next end was asked for meanwhile',
  );
});

test('all have caught up when the last of them has', async (t) => {
  const positions = new Positions(
    new Map([
      [0, 0],
      [1, 5],
    ]),
    new Map(),
    9_000,
  );
  await positions.caughtUp();
  const ends = new Map([
    [0, { earliest: 0, end: 2 }],
    [1, { earliest: 0, end: 5 }],
  ]);
  positions.probed(1_000, ends);
  let isCaughtUp = false;
  const waiting = positions.caughtUp().then(() => {
    isCaughtUp = true;
  });
  positions.moved(0, 1);
  await Promise.resolve();
  t.equal(isCaughtUp, false);
  positions.moved(0, 2);
  await waiting;
  t.strictSame(
    positions.takeReached(),
    new Map([
      [0, 1_000],
      [1, 1_000],
    ]),
  );
});

test('a partition that is not assigned has no position', async (t) => {
  const positions = positionsAt(5);
  positions.moved(1, 7);
  t.equal(positions.next(1), undefined);
  t.equal(positions.takeReached().size, 0);
});

test('as-of moves on although no epoch lasts until the end is reached that was asked for', async (t) => {
  const first = positionsAt(0);
  first.probed(1_000, watermarks(10));
  first.moved(0, 6);
  const second = positionsAt(4, first);
  second.probed(2_000, watermarks(20));
  second.moved(0, 10);
  t.strictSame(second.takeReached(), new Map([[0, 1_000]]));
  const third = positionsAt(10, second);
  third.probed(3_000, watermarks(30));
  t.equal(third.takeReached().size, 0);
  t.strictSame(
    positionsAt(30, third).takeReached(),
    new Map([[0, 3_000]]),
    'also where an epoch begins behind it',
  );
});

test('lag is what the topic has beyond the position, and the age of as-of; zero when all is counted', async (t) => {
  const positions = positionsAt(5);
  t.same(
    positions.lag(watermarks(12), 12_500),
    [{ partition: 0, messages: 7, seconds: 3.5 }],
    'since the epoch started',
  );
  positions.probed(10_000, watermarks(8));
  positions.moved(0, 8);
  t.same(positions.lag(watermarks(12), 12_500), [{ partition: 0, messages: 4, seconds: 2.5 }]);
  t.same(positions.lag(watermarks(8), 99_000), [{ partition: 0, messages: 0, seconds: 0 }]);
});

test('the age of a backlog starts at the as-of of an earlier epoch', async (t) => {
  const positions = new Positions(new Map([[0, 5]]), new Map([[0, 1_000]]), 9_000);
  t.same(positions.lag(watermarks(6), 9_000), [{ partition: 0, messages: 1, seconds: 8 }]);
});
