import { addTallies, addTally, type Tally, ZERO_TALLY } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const tallies = fc.record({ calls: fc.nat(1_000_000), durationMs: fc.nat({ max: 2 ** 40 }) });

test('the sum of no tallies is zero', async (t) => {
  t.same(addTallies(), { calls: 0, durationMs: 0 });
  t.same(ZERO_TALLY, { calls: 0, durationMs: 0 });
  t.throws(() => Object.assign(ZERO_TALLY, { calls: 1 }), TypeError);
});

test('sums of tallies do not depend on order and grouping', async () => {
  const orders = fc.array(tallies, { maxLength: 30 }).chain((given) =>
    fc.record({
      given: fc.constant(given),
      shuffled: fc.shuffledSubarray(given, { minLength: given.length }),
      cut: fc.nat(given.length),
    }),
  );
  fc.assert(
    fc.property(orders, ({ given, shuffled, cut }) => {
      const sum = addTallies(...given);
      const grouped = addTallies(addTallies(...shuffled.slice(0, cut)), addTallies(...shuffled.slice(cut)));
      return same(sum, grouped);
    }),
  );
});

test('what was added can be taken away', async () => {
  fc.assert(
    fc.property(tallies, tallies, (a, b) => {
      const sum = addTallies(a, b);
      addTally(sum, b, -1);
      return same(sum, a);
    }),
  );
});

test('a sum of tallies is a new object', async (t) => {
  const a = Object.freeze({ calls: 3, durationMs: 30 });
  const b = Object.freeze({ calls: 1, durationMs: 10 });
  t.same(addTallies(a, b), { calls: 4, durationMs: 40 });
  t.not(addTallies(a), a);
});

function same(a: Tally, b: Tally): boolean {
  return a.calls === b.calls && a.durationMs === b.durationMs;
}
