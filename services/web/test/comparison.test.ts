import fc from 'fast-check';
import { test } from 'tap';
import { compare } from '../src/comparison.ts';

const against = (figure: number, previous: number) => {
  const { direction, head, rest } = compare(figure, previous, '7 days before');
  return `${direction}: ${head} ${rest}`;
};

test('a percentage has a sign, and a decimal if it is small', async (t) => {
  t.equal(against(112, 100), 'up: +12 % vs 7 days before');
  t.equal(against(966, 1000), 'down: −3.4 % vs 7 days before');
  t.equal(against(0, 5), 'down: −100 % vs 7 days before');
  t.equal(against(2_600, 100), 'up: +2,500 % vs 7 days before');
});

test('without a percentage, it says why', async (t) => {
  t.equal(against(5, 0), 'same: no calls in the 7 days before');
  t.equal(against(0, 0), 'same: no calls in the 7 days before');
  t.equal(against(7, 7), 'same: the same as 7 days before');
  t.equal(against(100_001, 100_000), 'same: about the same as 7 days before');
});

test('the direction is that of the figures, and equal figures are no change', async () => {
  const figure = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(
    fc.property(figure, figure, (now, before) => {
      const { direction, head } = compare(now, before, 'yesterday');
      if (direction === 'up') return now > before && head.startsWith('+');
      if (direction === 'down') return now < before && head.startsWith('−');
      return before === 0 || Math.abs(now - before) / before < 0.0005;
    }),
  );
});
