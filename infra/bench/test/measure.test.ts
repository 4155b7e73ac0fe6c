import { test } from 'tap';
import { Bench } from '../src/bench.ts';
import type { Figure } from '../src/results.ts';
import { measure } from '../src/results.ts';

const lines = [
  { name: 'one', unit: 'ms' },
  { name: 'one-more', unit: 'ms' },
];

test('a line that is left out is no result, and one that was forgotten is a fault', async (t) => {
  const bench = new Bench({ quick: true, cpuProf: false });
  t.teardown(() => bench.end());
  const figure = (leavesOut: boolean): Figure => ({
    name: 'one',
    lines,
    async measure(_, note, leaveOut) {
      note('one', { ours: 1, other: 2 });
      if (leavesOut) leaveOut('one-more');
    },
  });
  const results = await measure(bench, figure(true), false);
  t.strictSame(
    results.map(({ name }) => name),
    ['one'],
  );
  await t.rejects(measure(bench, figure(false), false), { message: 'nothing was measured' });
});
