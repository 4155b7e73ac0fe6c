import * as d from '@calltally/domain';
import { test } from 'tap';

test('x', async (t) => {
  const n: number = 1;
  t.ok(d);
  t.equal(n, 1);
});
