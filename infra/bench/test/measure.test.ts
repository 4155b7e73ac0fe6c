import { test } from 'tap';
import { Bench } from '../src/bench.ts';
import { type Figure, measure } from '../src/results.ts';

const lines = [
  { name: 'one', unit: 'ms' },
  { name: 'one-more', unit: 'ms' },
];

test('each line becomes a result; a line without a sample is an error', async (t) => {
  const bench = new Bench({ quick: true, cpuProf: false });
  t.teardown(() => bench.end());
  const figure = (isWhole: boolean): Figure => ({
    name: 'one',
    lines,
    async measure(_, note) {
      note('one', { ours: 1, other: 2 });
      if (isWhole) note('one-more', { ours: 3 });
    },
  });
  const results = await measure(bench, figure(true), false);
  t.strictSame(
    results.map(({ name }) => name),
    ['one', 'one-more'],
  );
  await t.rejects(measure(bench, figure(false), false), { message: 'nothing was measured' });
});
