import fc from 'fast-check';
import { test } from 'tap';
import { ceilingsOf } from '../../src/capacity/ceilings.ts';
import { batchesOf, someOf } from '../../src/capacity/counting.ts';
import { costsOf, type Inputs, inputsOf, NUMBER_INPUTS, optionOf } from '../../src/capacity/inputs.ts';
import { loadOf, PARTS } from '../../src/capacity/load.ts';
import { planOf } from '../../src/capacity/needs.ts';
import { keptMonths, redisBytesOfUser } from '../../src/capacity/redis-bytes.ts';

const RUNS = 300;
const costs = costsOf();

/** Any platform, also absurd ones. */
const inputs: fc.Arbitrary<Inputs> = fc
  .record({
    detail: fc.boolean(),
    ...Object.fromEntries(
      Object.entries(NUMBER_INPUTS).map(([name, { min, max }]) => [
        name,
        // As often small as large.
        fc
          .double({ min: 0, max: 1, noNaN: true })
          .map((share) => Math.min(max, Math.max(min, 1e-4) * (max / Math.max(min, 1e-4)) ** share)),
      ]),
    ),
  })
  .map((given) => inputsOf(given as Partial<Inputs>));

/** Also costs of nothing, and many times those that were measured. */
const ownCosts = fc
  .dictionary(fc.constantFrom(...Object.keys(costs)), fc.constantFrom(0.001, 0, 1, 1e6))
  .map((given) =>
    costsOf(
      Object.entries(given).flatMap(([name, value]) =>
        value === 0 && isDivisor(name) ? [] : `${name}=${value}`,
      ),
    ),
  );

function isDivisor(name: string): boolean {
  return name === 'partition-event' || name.endsWith('-per-second');
}

/** Fails with the smallest example. */
function holds<T>(
  t: { pass(message: string): void },
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => boolean,
) {
  fc.assert(fc.property(arbitrary, check), { numRuns: RUNS });
  t.pass(`${RUNS} runs`);
}

test('whatever is asked, every number is one', (t) => {
  holds(t, fc.tuple(inputs, ownCosts), ([given, own]) => {
    const plan = planOf(given, own);
    const numbers = [
      ...Object.values(plan.load),
      ...Object.values(plan.counting),
      ...Object.values(plan.counts),
      ...plan.needs.flatMap(({ need, has }) => [need, has]),
      ...ceilingsOf(given, own, plan).flatMap(({ need, has }) => [need, has]),
    ];
    return numbers.every((one) => Number.isFinite(one) && one >= 0);
  });
  t.end();
});

test('a plan has enough of every part, for what that many parts need', (t) => {
  holds(t, inputs, (given) => {
    const { needs, counts } = planOf(given, costs);
    return needs.every(({ part, need, has }) => need <= counts[part] * has * (1 + 1e-9));
  });
  t.end();
});

test('twice the users are twice the bytes and twice the events', (t) => {
  holds(t, inputs, (given) => {
    const one = loadOf({ ...given, users: 1_000 });
    const two = loadOf({ ...given, users: 2_000 });
    const isTwice = (a: number, b: number) => Math.abs(b - 2 * a) <= 1e-9 * b;
    return (
      one.redisBytesOfUser === two.redisBytesOfUser &&
      isTwice(one.activeUsers, two.activeUsers) &&
      isTwice(one.rows, two.rows) &&
      isTwice(one.eventsPerSecond, two.eventsPerSecond) &&
      isTwice(one.peakRequestsPerSecond, two.peakRequestsPerSecond)
    );
  });
  t.end();
});

test('more users never need fewer parts', (t) => {
  holds(t, inputs, (given) => {
    const users = Math.min(given.users, NUMBER_INPUTS.users.max / 10);
    const few = planOf({ ...given, users }, costs).counts;
    const many = planOf({ ...given, users: users * 10 }, costs).counts;
    return PARTS.every((part) => many[part] >= few[part]);
  });
  t.end();
});

test('a user with twice as many calls, months or agents takes no less of Redis', (t) => {
  holds(t, inputs, (given) => {
    const bytes = (more: Partial<Inputs>) => {
      const all = { ...given, ...more };
      return redisBytesOfUser(all, keptMonths(all));
    };
    return (
      bytes({ callsPerDay: given.callsPerDay * 2 }) >= bytes({}) &&
      bytes({ months: given.months * 2 }) >= bytes({}) &&
      bytes({ agents: given.agents * 2 }) >= bytes({}) &&
      bytes({ detail: true }) > bytes({ detail: false })
    );
  });
  t.end();
});

test('a batch is what came while the one before was with the stores', (t) => {
  const given = inputsOf({ users: 1e6, callsPerDay: 2_000, freshSeconds: 0 });
  const load = loadOf(given);
  const counts = { partition: 12, master: 4, shard: 2 };
  const { eventsOfBatch, batchesPerSecond } = batchesOf(given, costs, load, counts);
  const rate = load.peakEventsPerSecond / counts.partition;
  const tookS =
    (costs['partition-batch'] + eventsOfBatch * costs['partition-event']) / 1e6 +
    (4 * given.roundTripMs) / 1e3;
  t.ok(eventsOfBatch > 1, 'not single events');
  t.ok(Math.abs(rate * tookS - eventsOfBatch) < 1e-6 * eventsOfBatch);
  t.ok(
    Math.abs(batchesPerSecond * eventsOfBatch - load.peakEventsPerSecond) < 1e-6 * load.peakEventsPerSecond,
  );
  t.end();
});

test('batches that may take longer are fewer and cost less, and take no longer than that', (t) => {
  const counts = { partition: 12, master: 4, shard: 2 };
  const [quick, slow] = [0, 0.5].map((freshSeconds) => {
    const given = inputsOf({ users: 1e6, callsPerDay: 20, freshSeconds });
    return batchesOf(given, costs, loadOf(given), counts);
  });
  t.ok(slow!.batchesPerSecond < quick!.batchesPerSecond / 10);
  t.ok(slow!.ingestUs < quick!.ingestUs / 2);
  t.equal(quick!.batchSeconds < 0.1, true);
  t.ok(Math.abs(slow!.batchSeconds - 0.5) < 1e-9);
  t.end();
});

test('of draws with return, the expected number of different ones', (t) => {
  t.equal(someOf(1, 5), 1);
  t.ok(Math.abs(someOf(2, 2) - 1.5) < 1e-12);
  t.ok(Math.abs(someOf(365, 23) - 365 * (1 - (364 / 365) ** 23)) < 1e-9);
  t.ok(Math.abs(someOf(1e15, 6_000) - 6_000) < 0.001, 'exact for large numbers');
  t.end();
});

test('an input that cannot be is refused, with its option, the value and what to write', (t) => {
  for (const [name, { min, max }] of Object.entries(NUMBER_INPUTS)) {
    for (const value of [min - 1, max * 2 + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      t.throws(() => inputsOf({ [name]: value }), {
        code: 'CAPACITY_INPUT',
        message: `${optionOf(name)} is ${value}: write a number from ${min} to ${max}`,
      });
    }
  }
  t.throws(() => inputsOf({ users: 0, months: 1 }), { message: /--users .*; --months / }, 'all at once');
  t.end();
});

test('a cost is replaced by name, and another name or value is refused', (t) => {
  t.equal(costsOf(['mongo-row-bytes=180'])['mongo-row-bytes'], 180);
  for (const text of [
    'mongo=1',
    'mongo-row-bytes',
    'mongo-row-bytes=',
    'mongo-row-bytes=much',
    'redis-user=-1',
  ]) {
    t.throws(() => costsOf([text]), {
      code: 'CAPACITY_INPUT',
      message: new RegExp(`--cost ${text}.*write`, 'i'),
    });
  }
  t.end();
});
