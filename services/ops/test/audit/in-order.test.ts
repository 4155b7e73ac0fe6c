import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { inOrder, inPieces } from '../../src/audit/in-order.ts';

async function* upTo(end: number) {
  for (let i = 0; i < end; i++) yield i;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const never = new AbortController().signal;

test('results come in the order of the items, whichever is done first, and only so many are worked on at once', async (t) => {
  for (const atOnce of [1, 3, 16]) {
    let working = 0;
    let most = 0;
    const work = async (i: number) => {
      most = Math.max(most, ++working);
      await sleep((i * 7) % 5);
      working -= 1;
      return i;
    };
    t.strictSame(
      await collect(inOrder(upTo(40), atOnce, work, never)),
      Array.from({ length: 40 }, (_, i) => i),
    );
    t.ok(most <= atOnce);
  }
});

test('work that fails ends the whole, once nothing is under way any more', async (t) => {
  let working = 0;
  const work = async (i: number) => {
    working += 1;
    await sleep(i === 2 ? 1 : 10);
    working -= 1;
    if (i === 2) throw new Error('two');
    return i;
  };
  await t.rejects(collect(inOrder(upTo(40), 4, work, never)), { message: 'two' });
  t.equal(working, 0);
});

test('who asks to stop gets what was begun, without gaps', async (t) => {
  const stopping = new AbortController();
  const work = async (i: number) => {
    if (i === 5) stopping.abort();
    return i;
  };
  const done = await collect(inOrder(upTo(40), 3, work, stopping.signal));
  t.strictSame(done, [0, 1, 2, 3, 4, 5]);
});

test('pages become pieces of a size, in order', async (t) => {
  async function* pages() {
    yield [1, 2, 3, 4, 5];
    yield [6];
  }
  t.strictSame(await collect(inPieces(pages(), 2)), [[1, 2], [3, 4], [5], [6]]);
});

test('a piece weighs no more than it may, unless it is a single item', async (t) => {
  const weights = { of: (item: number) => item, max: 6 };
  t.strictSame(await collect(inPieces([[1, 2, 3, 4, 9, 0, 6, 1], [5]], 3, weights)), [
    [1, 2, 3],
    [4],
    [9],
    [0, 6],
    [1],
    [5],
  ]);
  t.strictSame(await collect(inPieces([[0, 0, 0, 0]], 3, weights)), [[0, 0, 0], [0]]);
});
