import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { withHeartbeats } from '../src/heartbeats.ts';

test('heartbeats are sent during slow work, and end with it', async (t) => {
  let beats = 0;
  const heartbeat = async () => {
    beats++;
  };
  t.equal(await withHeartbeats(sleep(1_700, 'done'), heartbeat), 'done');
  t.ok(beats >= 1, `${beats} heartbeats`);
  const after = beats;
  await sleep(1_200);
  t.equal(beats, after);
});

test('a heartbeat that fails ends the wait with its error', async (t) => {
  const rebalancing = new Error('REBALANCE_IN_PROGRESS');
  let release = () => {};
  const work = new Promise<void>((resolve) => {
    release = resolve;
  });
  await t.rejects(
    withHeartbeats(work, () => Promise.reject(rebalancing)),
    rebalancing,
  );
  release();
});

test('work that fails after a heartbeat failed is no unhandled rejection', async (t) => {
  let fail = (_: Error) => {};
  const work = new Promise<void>((_, reject) => {
    fail = reject;
  });
  await t.rejects(withHeartbeats(work, () => Promise.reject(new Error('gone'))));
  fail(new Error('late'));
  await sleep(10);
  t.pass('no unhandled rejection');
});
