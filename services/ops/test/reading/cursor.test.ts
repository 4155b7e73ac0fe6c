import fc from 'fast-check';
import { test } from 'tap';
import { Cursor } from '../../src/reading/cursor.ts';

test('whatever is fetched, every offset asked for is wanted once, and no other', (t) => {
  const offsets = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 });
  const jumps = fc.array(fc.integer({ min: -5, max: 9 }));
  fc.assert(
    fc.property(offsets, jumps, (asked, batches) => {
      const cursor = new Cursor(asked.map((from) => ({ partition: 0, from, until: from + 1 })));
      const taken: number[] = [];
      let settled = 0;
      // Batches may begin before the next offset, end anywhere, or come a second time.
      for (const jump of [...batches, ...Array.from({ length: 60 }, () => 3)]) {
        const { next } = cursor;
        if (next === undefined) break;
        const from = Math.max(0, next + Math.min(jump, 0));
        const until = from + Math.abs(jump);
        for (let offset = from; offset < until; offset++) if (cursor.wants(offset)) taken.push(offset);
        settled += cursor.advance(until);
      }
      const sorted = asked.toSorted((a, b) => a - b);
      return cursor.next === undefined && settled === asked.length && String(taken) === String(sorted);
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('what is not read yet below an offset is what was asked for from the next one on', (t) => {
  const cursor = new Cursor([
    { partition: 0, from: 10, until: 20 },
    { partition: 0, from: 30, until: 40 },
  ]);
  t.strictSame(cursor.unreadBelow(10), []);
  t.strictSame(cursor.unreadBelow(15), [{ partition: 0, from: 10, until: 15 }]);
  cursor.advance(12);
  t.strictSame(cursor.unreadBelow(35), [
    { partition: 0, from: 12, until: 20 },
    { partition: 0, from: 30, until: 35 },
  ]);
  cursor.advance(40);
  t.strictSame(cursor.unreadBelow(100), []);
  t.end();
});

test('offsets that are not there are passed over', (t) => {
  const cursor = new Cursor([
    { partition: 0, from: 10, until: 20 },
    { partition: 0, from: 30, until: 40 },
  ]);
  t.equal(cursor.next, 10);
  t.equal(cursor.advance(25), 10);
  t.equal(cursor.next, 30, 'what lies between the spans is not asked for');
  t.equal(cursor.advance(35), 5);
  t.equal(cursor.next, 35);
  t.equal(cursor.advance(35), 0);
  t.equal(cursor.advance(100), 5);
  t.equal(cursor.next, undefined);
  t.end();
});
