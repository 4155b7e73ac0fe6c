import { test } from 'tap';
import { median, percentile, spread } from '../src/statistics.ts';

test('the median is the middle value, or the mean of the two in the middle', (t) => {
  t.equal(median([9, 1, 5]), 5);
  t.equal(median([10, 9, 1, 2]), 5.5);
  t.equal(median([7]), 7);
  t.end();
});

test('values are sorted as numbers', (t) => {
  t.equal(median([100, 20, 3]), 20);
  t.strictSame(spread([100, 20, 3]), { min: 3, max: 100 });
  t.end();
});

test('a percentile is interpolated linearly', (t) => {
  const values = Array.from({ length: 101 }, (_, i) => 100 - i);
  t.equal(percentile(values, 0.99), 99);
  t.equal(percentile([0, 10], 0.25), 2.5);
  t.equal(percentile([4, 8], 1), 8);
  t.end();
});
