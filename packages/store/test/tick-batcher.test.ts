import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'tap';
import { TickBatcher } from '../src/tick-batcher.ts';

const FLUSH_AT = 4;

test('whatever is asked for side by side, each gets their own answers, and one command does it', async (t) => {
  const step = fc.record({ sizes: fc.array(fc.nat(5), { minLength: 1, maxLength: 5 }), turn: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const runs: number[][] = [];
      const batcher = new TickBatcher<number, string>(async (given) => {
        runs.push(given);
        return given.map((one) => `answer to ${one}`);
      }, FLUSH_AT);
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

test('what is asked for by callbacks of one turn, however deep in promises, goes batcher', async (t) => {
  const runs: string[][] = [];
  const batcher = new TickBatcher<string, string>(async (given) => {
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

test('what fails, fails for all who asked batcher, and for nobody else', async (t) => {
  let fails = true;
  const batcher = new TickBatcher<number, number>(async (given) => {
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
