import { EventEmitter, once } from 'node:events';
import { test } from 'tap';
import { PartitionQueue, PartitionQueues } from '../src/partition-queues.ts';

/** Batches that end when they are told to, and say when they were parsed and begun. */
function batchesOf(names: readonly string[]) {
  const said: string[] = [];
  const ending = new EventEmitter();
  function* batches() {
    for (const name of names) {
      said.push(`parse ${name}`);
      yield async () => {
        said.push(`begin ${name}`);
        return (await once(ending, name))[0] as boolean;
      };
    }
  }
  const end = async (name: string, isDone = true) => {
    ending.emit(name, isDone);
    await turns();
  };
  return { batches: batches(), said, end };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

test('one batch is with the stores while the next one is parsed, and there is room when the last one has begun', async (t) => {
  const queue = new PartitionQueue();
  t.equal(queue.whenReady(), undefined);
  t.equal(queue.isIdle, true);
  const { batches, said, end } = batchesOf(['a', 'b', 'c']);
  queue.push(30, batches);
  t.equal(queue.next, 30);
  await turns();
  t.strictSame(said, ['parse a', 'begin a', 'parse b']);
  t.ok(queue.whenReady(), 'no further fetch may be pushed');
  await end('a');
  t.strictSame(said.slice(3), ['begin b', 'parse c']);
  await end('b');
  t.equal(queue.whenReady(), undefined, 'a fetch may be pushed while the last batch is with the stores');
  t.equal(queue.isIdle, false);
  await end('c');
  await queue.settled();
  t.equal(queue.isIdle, true);
});

test('a fetch begins when the last batch of the one before is done', async (t) => {
  const queue = new PartitionQueue();
  const first = batchesOf(['a']);
  const second = batchesOf(['b']);
  queue.push(1, first.batches);
  await turns();
  queue.push(2, second.batches);
  await turns();
  t.strictSame(second.said, ['parse b']);
  await first.end('a');
  t.strictSame(second.said, ['parse b', 'begin b']);
  await second.end('b');
});

test('nothing begins behind a batch that was given up, and whoever waits for room is told', async (t) => {
  const queue = new PartitionQueue();
  const { batches, said, end } = batchesOf(['a', 'b']);
  queue.push(2, batches);
  await turns();
  const room = queue.whenReady();
  await end('a', false);
  await room;
  t.strictSame(said, ['parse a', 'begin a', 'parse b']);
  const next = batchesOf(['c']);
  queue.push(3, next.batches);
  await queue.settled();
  t.strictSame(next.said, ['parse c'], 'nor of a later fetch');
});

test('each partition has its own queue', async (t) => {
  const queues = new PartitionQueues();
  t.equal(queues.of(0), queues.of(0));
  t.not(queues.of(0), queues.of(1));
  const { batches, end } = batchesOf(['a']);
  queues.of(0).push(1, batches);
  t.equal(queues.of(1).whenReady(), undefined);
  await turns();
  const settled = queues.settled();
  await end('a');
  await settled;
});
