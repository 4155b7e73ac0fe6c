import fc from 'fast-check';
import { test } from 'tap';
import type { OffsetRange } from '../../src/reading/cursor.ts';
import { unionOf } from '../../src/reading/cursor.ts';

const span = fc
  .tuple(fc.nat(2), fc.nat(30), fc.integer({ min: 1, max: 6 }))
  .map(([partition, from, count]): OffsetRange => ({ partition, from, until: from + count }));

function offsetsIn(spans: readonly OffsetRange[]): Set<string> {
  const offsets = new Set<string>();
  for (const { partition, from, until } of spans) {
    for (let offset = from; offset < until; offset++) offsets.add(`${partition}:${offset}`);
  }
  return offsets;
}

test('a union holds the same offsets, in order, and no two of its spans touch', (t) => {
  fc.assert(
    fc.property(fc.array(span), (spans) => {
      const union = unionOf(spans);
      const isApart = union.every((one, i) => {
        const next = union[i + 1];
        return (
          next === undefined ||
          one.partition < next.partition ||
          (one.partition === next.partition && one.until < next.from)
        );
      });
      return isApart && [...offsetsIn(union)].sort().join() === [...offsetsIn(spans)].sort().join();
    }),
    { numRuns: 2_000 },
  );
  t.end();
});
