import { test } from 'tap';
import { QueryBatcher } from '../src/query-batcher.ts';

/** A server that answers when it is told to, and what it was asked. */
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

test('what waits goes together, a few queries at once, first come first served', async (t) => {
  const { asked, answers, run } = slowServer();
  const batches = new QueryBatcher(run, { sizeMax: 3, atOnceMax: 2 });
  const ask = (numbers: number[]) => numbers.map((number) => batches.ask(number));
  const replies = ask([1]);
  await turn();
  t.same(asked, [[1]], 'one that comes alone goes at once');
  replies.push(...ask([2]));
  await turn();
  replies.push(...ask([3, 4]));
  replies.push(...ask([5, 6, 7]));
  await turn();
  t.same(asked, [[1], [2]], 'there are two queries, whatever comes');
  for (let i = 0; i < 4; i++) {
    answers[i]!();
    await turn();
  }
  t.same(asked, [[1], [2], [3, 4, 5], [6, 7]]);
  t.same(await Promise.all(replies), ['1', '2', '3', '4', '5', '6', '7']);
});

test('what fails, fails for those of its query and for no others', async (t) => {
  const { answers, run } = slowServer();
  const batches = new QueryBatcher(run, { sizeMax: 2, atOnceMax: 1 });
  const replies = [1, 2, 3].map((number) => batches.ask(number));
  const settled = Promise.allSettled(replies);
  await turn();
  answers[0]!(new Error('gone'));
  await turn();
  answers[1]!();
  t.match(await settled, [
    { status: 'rejected', reason: { message: 'gone' } },
    { status: 'rejected', reason: { message: 'gone' } },
    { status: 'fulfilled', value: '3' },
  ]);
  const next = batches.ask(4);
  await turn();
  answers[2]!();
  t.equal(await next, '4', 'and the next one is asked');
});
