import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'tap';
import { TickBatcher } from '../src/tick-batcher.ts';

test('whatever is asked for side by side, everybody gets his own answer, and one command does it', async (t) => {
  const step = fc.record({ size: fc.integer({ min: 1, max: 5 }), turn: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const runs: number[][] = [];
      const together = new TickBatcher<number, string>(
        async (given) => {
          runs.push(given);
          return given.map((one) => `answer to ${one}`);
        },
        (given) => given % 5 === 4,
      );
      const expected: number[][] = [];
      let waiting: number[] = [];
      const answers: Promise<string>[] = [];
      const close = () => {
        if (waiting.length > 0) expected.push(waiting);
        waiting = [];
      };
      for (const { size, turn } of steps) {
        for (let i = 0; i < size; i++) {
          const given = answers.length;
          answers.push(together.ask(given));
          waiting.push(given);
          if (given % 5 === 4) close();
        }
        if (turn) {
          close();
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
      close();
      assert.deepEqual(
        await Promise.all(answers),
        answers.map((_, i) => `answer to ${i}`),
      );
      assert.deepEqual(runs, expected);
    }),
    { numRuns: 200 },
  );
  t.pass();
});

test('what is asked for by callbacks of one turn, however deep in promises, goes together', async (t) => {
  const runs: string[][] = [];
  const together = new TickBatcher<string, string>(async (given) => {
    runs.push(given);
    return given;
  });
  const deep = async (name: string, depth: number): Promise<string> => {
    for (let i = 0; i < depth; i++) await null;
    return together.ask(name);
  };
  t.strictSame(await Promise.all([deep('a', 0), deep('b', 7), deep('c', 3)]), ['a', 'b', 'c']);
  t.strictSame(runs, [['a', 'c', 'b']]);
});

test('what fails, fails for all who asked together, and for nobody else', async (t) => {
  let fails = true;
  const together = new TickBatcher<number, number>(async (given) => {
    if (fails) throw new Error('away');
    return given;
  });
  const both = await Promise.allSettled([together.ask(1), together.ask(2)]);
  t.strictSame(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  fails = false;
  t.equal(await together.ask(3), 3);
});
