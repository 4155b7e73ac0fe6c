import { EventEmitter, once } from 'node:events';
import { test } from 'tap';
import { Lane, Lanes } from '../src/lanes.ts';

/** Chunks that end when they are told to, and say when they were parsed and begun. */
function chunksOf(names: readonly string[]) {
  const said: string[] = [];
  const ending = new EventEmitter();
  function* chunks() {
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
  return { chunks: chunks(), said, end };
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

test('one chunk is with the stores while the next one is parsed, and there is room when the last one is begun', async (t) => {
  const lane = new Lane();
  t.equal(lane.room(), undefined);
  t.equal(lane.isIdle, true);
  const { chunks, said, end } = chunksOf(['a', 'b', 'c']);
  lane.take(30, chunks);
  t.equal(lane.next, 30);
  await turns();
  t.strictSame(said, ['parse a', 'begin a', 'parse b']);
  t.ok(lane.room(), 'no further batch may be taken');
  await end('a');
  t.strictSame(said.slice(3), ['begin b', 'parse c']);
  await end('b');
  t.equal(lane.room(), undefined, 'a batch may be taken while the last chunk is with the stores');
  t.equal(lane.isIdle, false);
  await end('c');
  await lane.settled();
  t.equal(lane.isIdle, true);
});

test('a batch begins when the last chunk of the one before is done', async (t) => {
  const lane = new Lane();
  const first = chunksOf(['a']);
  const second = chunksOf(['b']);
  lane.take(1, first.chunks);
  await turns();
  lane.take(2, second.chunks);
  await turns();
  t.strictSame(second.said, ['parse b']);
  await first.end('a');
  t.strictSame(second.said, ['parse b', 'begin b']);
  await second.end('b');
});

test('nothing is begun behind a chunk that was given up, and whoever waits for room is told', async (t) => {
  const lane = new Lane();
  const { chunks, said, end } = chunksOf(['a', 'b']);
  lane.take(2, chunks);
  await turns();
  const room = lane.room();
  await end('a', false);
  await room;
  t.strictSame(said, ['parse a', 'begin a', 'parse b']);
  const next = chunksOf(['c']);
  lane.take(3, next.chunks);
  await lane.settled();
  t.strictSame(next.said, ['parse c'], 'nor of a later batch');
});

test('a partition has a lane of its own', async (t) => {
  const lanes = new Lanes();
  t.equal(lanes.of(0), lanes.of(0));
  t.not(lanes.of(0), lanes.of(1));
  const { chunks, end } = chunksOf(['a']);
  lanes.of(0).take(1, chunks);
  t.equal(lanes.of(1).room(), undefined);
  await turns();
  const settled = lanes.settled();
  await end('a');
  await settled;
});
