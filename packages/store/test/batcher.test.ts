import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'tap';
import { Batcher } from '../src/batcher.ts';

const FLUSH_AT = 4;

test('concurrent requests share a command, and each gets its own answers', async (t) => {
  const step = fc.record({ sizes: fc.array(fc.nat(5), { minLength: 1, maxLength: 5 }), turn: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const runs: number[][] = [];
      const batcher = new Batcher<number, string>(
        async (given) => {
          runs.push(given);
          return given.map((one) => `answer to ${one}`);
        },
        { flushAt: FLUSH_AT },
      );
      const expected: number[][] = [];
      let waiting: number[] | undefined;
      let next = 0;
      const asked: number[][] = [];
      const answers: Promise<string[]>[] = [];
      const close = () => {
        if (waiting !== undefined) expected.push(waiting);
        waiting = undefined;
      };
      for (const { sizes, turn } of steps) {
        for (const size of sizes) {
          const given = Array.from({ length: size }, () => next++);
          asked.push(given);
          answers.push(batcher.ask(given));
          waiting = [...(waiting ?? []), ...given];
          if (size >= FLUSH_AT) close();
        }
        if (turn) {
          close();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      close();
      assert.deepEqual(
        await Promise.all(answers),
        asked.map((given) => given.map((one) => `answer to ${one}`)),
      );
      assert.deepEqual(runs, expected);
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('requests of one turn go together, however deep in promises', async (t) => {
  const runs: string[][] = [];
  const batcher = new Batcher<string, string>(async (given) => {
    runs.push(given);
    return given;
  });
  const deep = async (name: string, depth: number): Promise<string[]> => {
    for (let i = 0; i < depth; i++) await null;
    return batcher.ask([name]);
  };
  t.strictSame(await Promise.all([deep('a', 0), deep('b', 7), deep('c', 3)]), [['a'], ['b'], ['c']]);
  t.strictSame(runs, [['a', 'c', 'b']]);
});

test('a failure is that of all requests of a command, and of no others', async (t) => {
  let fails = true;
  const batcher = new Batcher<number, number>(async (given) => {
    if (fails) throw new Error('away');
    return given;
  });
  const both = await Promise.allSettled([batcher.ask([1]), batcher.ask([2])]);
  t.strictSame(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  fails = false;
  t.strictSame(await batcher.ask([3]), [3]);
});

/** Answers when it is told to, and notes what it was asked. */
function slowServer() {
  const asked: number[][] = [];
  const answers: ((fault?: Error) => void)[] = [];
  const run = (given: number[]) => {
    asked.push(given);
    return new Promise<string[]>((resolve, reject) => {
      answers.push((fault) => (fault ? reject(fault) : resolve(given.map(String))));
    });
  };
  return { asked, answers, run };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('with a limit of commands at once, requests that wait go together, first come first served', async (t) => {
  const { asked, answers, run } = slowServer();
  const batcher = new Batcher(run, { requestsMax: 3, atOnceMax: 2 });
  const ask = (numbers: number[]) => numbers.map((number) => batcher.ask([number]));
  const replies = ask([1]);
  await turn();
  t.same(asked, [[1]], 'one that comes alone goes at once');
  replies.push(...ask([2]));
  await turn();
  replies.push(...ask([3, 4]));
  replies.push(...ask([5, 6, 7]));
  await turn();
  t.same(asked, [[1], [2]], 'never more than two at once');
  for (let i = 0; i < 4; i++) {
    answers[i]!();
    await turn();
  }
  t.same(asked, [[1], [2], [3, 4, 5], [6, 7]]);
  t.same(await Promise.all(replies), [['1'], ['2'], ['3'], ['4'], ['5'], ['6'], ['7']]);
});

test('with a limit of requests for a command, a failure is that of its own requests', async (t) => {
  const { answers, run } = slowServer();
  const batcher = new Batcher(run, { requestsMax: 2, atOnceMax: 1 });
  const replies = [1, 2, 3].map((number) => batcher.ask([number]));
  const settled = Promise.allSettled(replies);
  await turn();
  answers[0]!(new Error('gone'));
  await turn();
  answers[1]!();
  t.match(await settled, [
    { status: 'rejected', reason: { message: 'gone' } },
    { status: 'rejected', reason: { message: 'gone' } },
    { status: 'fulfilled', value: ['3'] },
  ]);
  const next = batcher.ask([4]);
  await turn();
  answers[2]!();
  t.same(await next, ['4'], 'and the next one is asked');
});
