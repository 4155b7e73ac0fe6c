import { test } from 'tap';
import { lastThird } from '../../../src/figures/soak/memory.ts';

test('the last third of the samples is compared with the middle one', (t) => {
  t.strictSame(lastThird([90, 80, 1, 2, 3, 4, 5, 9], 0.5), { ours: 7, other: 3.5, most: 90 });
  t.end();
});
