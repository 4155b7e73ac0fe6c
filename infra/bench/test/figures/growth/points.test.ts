import { test } from 'tap';
import { Points } from '../../../src/figures/growth/points.ts';

test('a round is a sample of the greatest size against the least, or of the named sizes, with all others', (t) => {
  const points = new Points([1, 10, 100]);
  const all = { at1: 5, at10: 6, at100: 7 };
  t.strictSame(points.add([5, 6, 7]), { ours: 7, other: 5, ...all });
  t.strictSame(points.add([5, 6, 7], [10, 1]), { ours: 6, other: 5, ...all });
  t.end();
});

test('a curve has all measurements at each size', (t) => {
  const points = new Points([1, 10]);
  points.add([5, 6]);
  points.add([7, 8]);
  t.strictSame(points.curve('c'), {
    name: 'c',
    points: [
      { x: 1, values: [5, 7] },
      { x: 10, values: [6, 8] },
    ],
  });
  t.end();
});
