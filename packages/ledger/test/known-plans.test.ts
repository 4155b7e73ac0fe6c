import assert from 'node:assert/strict';
import { DAY_MS, planRange, type Range } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { KnownPlans } from '../src/known-plans.ts';

const FIRST_DAY = 20_000;
const days = fc.integer({ min: FIRST_DAY, max: FIRST_DAY + 100 });
/** Whole days, or not. */
const instants = fc.oneof(
  days.map((day) => day * DAY_MS),
  fc.integer({ min: FIRST_DAY * DAY_MS, max: (FIRST_DAY + 100) * DAY_MS }),
);

test('a plan from before is the one that would be made now', async (t) => {
  const asked = fc.record({
    range: fc
      .tuple(instants, instants)
      .map(([a, b]): Range => ({ from: Math.min(a, b), until: Math.max(a, b) })),
    fromDay: days,
    lastStartedAt: fc.oneof(fc.constant(-1), instants),
  });
  const sequence = fc.array(asked, { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.property(sequence, fc.array(fc.tuple(fc.nat(19), fc.nat(40 * DAY_MS))), (some, later) => {
      const plans = new KnownPlans();
      // Again, at another time of the same day or of a later one.
      const again = later.map(([i, laterMs]) => {
        const { lastStartedAt, ...rest } = some[i % some.length]!;
        return { ...rest, lastStartedAt: Math.floor(lastStartedAt / DAY_MS) * DAY_MS + laterMs };
      });
      for (const { range, ...available } of [...some, ...again]) {
        assert.deepEqual(plans.planFor(range, available), planRange(range, available));
      }
    }),
    { numRuns: 1_000 },
  );
  t.pass('1000 runs');
});

test('a plan of whole days is made once a day', (t) => {
  const plans = new KnownPlans();
  const range = { from: FIRST_DAY * DAY_MS, until: (FIRST_DAY + 40) * DAY_MS };
  const at = (lastStartedAt: number) => plans.planFor(range, { fromDay: FIRST_DAY, lastStartedAt });
  const plan = at((FIRST_DAY + 50) * DAY_MS);
  t.equal(at((FIRST_DAY + 51) * DAY_MS - 1), plan);
  t.not(at((FIRST_DAY + 51) * DAY_MS), plan);
  for (let i = 1; i <= 1_000; i++)
    plans.planFor({ ...range, from: range.from - i * DAY_MS }, { fromDay: FIRST_DAY, lastStartedAt: 0 });
  t.strictSame(at((FIRST_DAY + 50) * DAY_MS), plan, 'however many others there are');
  t.end();
});
