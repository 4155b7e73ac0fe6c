import { test } from 'tap';
import { Backoff } from '../src/backoff.ts';

test('a pause ends at once when stopping', async (t) => {
  const stopping = new AbortController();
  const backoff = new Backoff();
  const pause = backoff.pause(stopping.signal);
  stopping.abort();
  await pause;
  await backoff.pause(stopping.signal);
  t.pass();
});
