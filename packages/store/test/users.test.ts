import { test } from 'tap';
import { rowOf, testStore } from './support.ts';

test('users are listed in order, once, with all their calls, from any user on', async (t) => {
  const { store, db } = await testStore(t);
  t.strictSame(await collect(store.users.pages()), []);
  t.strictSame(await store.users.sample(5), []);
  t.equal(await store.users.estimateCalls(), 0);

  const ODD = [
    '💬',
    '\ufffd',
    '客户',
    '__proto__',
    'é',
    'e\u0301',
    '$where',
    '+1555',
    'x'.repeat(252),
    '💬'.repeat(252),
  ];
  // Characters that a language would sort differently, and one user with more rows than a page.
  const calls = new Map<string, number>();
  for (let i = 0; i < 900; i++)
    calls.set(`${'Zz_a-9'[i % 6]?.replace(/[_-]/, 'b')}${i}:x|${i % 3}`, 1 + (i % 5));
  // Characters that UTF-16 sorts differently from the bytes of UTF-8, which stores go by.
  for (let i = 0; i < 300; i++) calls.set(`${ODD[i % ODD.length]}${i}`, 1 + (i % 3));
  calls.set('heavy', 11_000);
  const rows = [...calls].flatMap(([userId, n]) =>
    Array.from({ length: n }, (_, i) => rowOf({ callId: `${userId}/${i}`, userId })),
  );
  for (let at = 0; at < rows.length; at += 2_000) await store.calls.insert(rows.slice(at, at + 2_000));
  const expected = [...calls].map(([userId, n]) => ({ userId, calls: n })).sort(byId);

  // A server that was just filled may not know its size yet; then there is one page.
  const estimate = await store.users.estimateCalls();
  const pages: { userId: string; calls: number }[][] = [];
  for await (const page of store.users.pages()) pages.push(page);
  t.strictSame(pages.flat(), expected);
  t.ok(pages.every((page) => page.length > 0));
  t.ok(estimate <= 5_000 || pages.length > 1, `${pages.length} pages of about ${estimate} rows`);

  const lastOf = (character: string) => expected.findLastIndex(({ userId }) => userId.startsWith(character));
  for (const at of [0, 450, lastOf('客'), lastOf('\ufffd'), lastOf('💬') - 1, expected.length - 1]) {
    const after = expected[at]!.userId;
    t.strictSame(await collect(store.users.pages(after)), expected.slice(at + 1), after);
  }
  t.equal(await store.users.callsOf('heavy'), 11_000);
  t.equal(await store.users.callsOf('nobody'), 0);

  const sample = await store.users.sample(40);
  t.equal(new Set(sample).size, 40);
  t.ok(sample.every((userId) => calls.has(userId)));
  t.equal(await db.collection('calls').countDocuments(), rows.length);
});

async function collect<T>(pages: AsyncIterable<T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

function byId(a: { userId: string }, b: { userId: string }): number {
  return Buffer.compare(Buffer.from(a.userId), Buffer.from(b.userId));
}
