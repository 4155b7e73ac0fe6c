import { EventEmitter, once } from 'node:events';
import { test } from 'tap';
import { InHand } from '../src/in-hand.ts';

test('a partition is as far as what was begun of it, and whoever waits is told how that ended', async (t) => {
  const inHand = new InHand();
  t.equal(inHand.next(0), undefined);
  t.equal(await inHand.done(0), true, 'nothing is in hand');

  const chunk = new EventEmitter();
  inHand.begin(0, 10, async () => (await once(chunk, 'end'))[0]);
  t.equal(inHand.next(0), 10);
  t.equal(inHand.next(1), undefined, 'partitions do not wait for each other');
  const ended: boolean[] = [];
  const waiting = inHand.done(0).then((isDone) => ended.push(isDone));
  await new Promise(setImmediate);
  t.strictSame(ended, []);
  chunk.emit('end', true);
  await waiting;
  t.strictSame(ended, [true]);

  inHand.begin(0, 20, async () => false);
  t.equal(await inHand.done(0), false, 'a chunk that was given up');
  inHand.begin(1, 5, async () => {
    throw new TypeError('a fault of ours');
  });
  await inHand.settled();
  await t.rejects(inHand.done(1), { message: 'a fault of ours' });
});

test('a fault is told once, and the chunk that met it may be tried again', async (t) => {
  const inHand = new InHand();
  inHand.begin(0, 10, async () => {
    throw new Error('a passing fault');
  });
  await t.rejects(inHand.done(0), { message: 'a passing fault' });
  t.equal(inHand.next(0), undefined, 'nothing counts as begun');
  t.equal(await inHand.done(0), true, 'whoever fetches it again is not stopped by the old fault');

  inHand.begin(0, 10, async () => true);
  t.equal(await inHand.done(0), true);
  t.equal(inHand.next(0), 10);
});
