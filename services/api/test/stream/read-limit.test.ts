import pLimit from 'p-limit';
import { test } from 'tap';

test('p-limit, as streams use it: at most so many at once, first come first served, also after failures', async (t) => {
  const limit = pLimit(3);
  const begun: number[] = [];
  let now = 0;
  let most = 0;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, i) =>
      limit(async () => {
        begun.push(i);
        now += 1;
        most = Math.max(most, now);
        for (let step = 0; step < i % 5; step++) await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        if (i % 7 === 0) throw new Error('failed');
      }),
    ),
  );
  t.equal(most, 3);
  t.strictSame(
    begun,
    [...begun].sort((a, b) => a - b),
  );
  t.equal(outcomes.filter(({ status }) => status === 'rejected').length, 8);
  await limit(async () => {
    begun.push(50);
  });
  t.equal(begun.length, 51);
});
