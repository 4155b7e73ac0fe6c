import { randomUUID } from 'node:crypto';
import { test } from 'tap';
import { CallIds } from '../src/call-ids.ts';

const N = 100_000;

for (const [title, expected] of [
  ['as many as expected', N],
  ['many more than expected', 0],
] as const) {
  test(`${title}: each id is new once, and only added ids are in the set`, (t) => {
    // Numbered ids differ in a digit or two, random ones in all.
    const ids = Array.from({ length: N }, (_, i) => (i % 2 === 0 ? `call-${i}` : randomUUID()));
    const set = new CallIds(expected);
    t.equal(ids.filter((id) => set.add(id)).length, N);
    t.equal(ids.filter((id) => set.add(id)).length, 0);
    t.equal(set.size, N);
    t.ok(ids.every((id) => set.has(id)));
    t.equal(ids.filter((id) => set.has(`${id}x`)).length, 0);
    t.end();
  });
}

test('it needs at most 11 bytes per call if it knows how many there are', (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const set = new CallIds(1_000_000);
  t.ok(process.memoryUsage().arrayBuffers - before < 11_000_000);
  t.equal(set.size, 0);
  t.end();
});
