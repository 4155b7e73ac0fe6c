import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { OffsetCommitter } from '../src/offset-committer.ts';

/** A broker that answers when it is told to; what it was asked to commit, by partition. */
function broker() {
  const asked: Record<number, string>[] = [];
  const answers: { resolve(): void; reject(thrown: Error): void }[] = [];
  return {
    asked,
    answers,
    commit: (offsets?: { topics: { partitions: { partition: number; offset: string }[] }[] }) => {
      const partitions = offsets!.topics.flatMap((topic) => topic.partitions);
      asked.push(Object.fromEntries(partitions.map(({ partition, offset }) => [partition, offset])));
      return new Promise<void>((resolve, reject) => answers.push({ resolve, reject }));
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const committerOf = () => new OffsetCommitter('calls', createLogger({ service: 'test', level: 'silent' }));

test('one request at a time commits what was enqueued since the one before, the latest of each partition', async (t) => {
  const { asked, answers, commit } = broker();
  const committer = committerOf();
  committer.enqueue(0, '10', commit);
  await turn();
  for (const [partition, offset] of [
    [0, '20'],
    [1, '5'],
    [0, '30'],
  ] as const) {
    committer.enqueue(partition, offset, commit);
  }
  await turn();
  t.strictSame(asked, [{ 0: '10' }], 'the second waits for the first');
  t.equal(committer.underWay, 1);
  answers[0]!.resolve();
  await turn();
  t.equal(asked.length, 1, 'the next follows after a pause');
  while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(committer.underWay, 2);
  t.strictSame(asked, [{ 0: '10' }, { 0: '30', 1: '5' }]);
  answers[1]!.resolve();
  await committer.settled();
  t.equal(asked.length, 2);
  t.equal(committer.underWay, undefined);
});

test('a failed commit is retried with what came meanwhile, by the latest batch', async (t) => {
  const before = broker();
  const after = broker();
  const committer = committerOf();
  committer.enqueue(0, '10', before.commit);
  await turn();
  committer.enqueue(1, '7', after.commit);
  before.answers[0]!.reject(new Error('the coordinator moved'));
  for (let step = 0; step < 200 && after.asked.length === 0; step++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.strictSame(after.asked, [{ 0: '10', 1: '7' }]);
  after.answers[0]!.resolve();
  await committer.settled();
  t.equal(before.asked.length, 1);
});

test('a failed commit of an older assignment is not retried', async (t) => {
  const { asked, answers, commit } = broker();
  const committer = committerOf();
  committer.enqueue(0, '10', commit);
  await turn();
  committer.enqueue(1, '3', commit);
  committer.forget();
  answers[0]!.reject(new Error('rebalancing'));
  await committer.settled();
  t.strictSame(asked, [{ 0: '10' }]);
});

for (const end of ['stop', 'forget'] as const) {
  test(`${end} while a commit waits for its time leaves it out`, async (t) => {
    const { asked, answers, commit } = broker();
    const committer = committerOf();
    committer.enqueue(0, '10', commit);
    await turn();
    answers[0]!.resolve();
    committer.enqueue(0, '20', commit);
    await turn();
    committer[end]();
    await committer.settled();
    t.strictSame(asked, [{ 0: '10' }]);
    t.equal(committer.underWay, undefined);
  });
}

test('a broker that does not answer is not waited for for ever', async (t) => {
  const { commit } = broker();
  const committer = committerOf();
  committer.enqueue(0, '10', commit);
  await committer.settled();
  committer.stop();
  t.pass('settled without an answer');
});
