import fc from 'fast-check';
import { test } from 'tap';
import { Pause, pauseMsAfter } from '../src/pauses.ts';

test('pauses double up to 15 s, and are never shorter than the server asks nor twice as long', async (t) => {
  t.same(
    [1, 2, 3, 4, 50].map((failures) => pauseMsAfter(failures, 2_000, undefined, () => 0)),
    [2_000, 4_000, 8_000, 15_000, 15_000],
  );
  t.equal(
    pauseMsAfter(1, 2_000, 3_600_000, () => 1),
    3_615_000,
    'who is asked to come in an hour comes within 15 s of it',
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.integer({ min: 0, max: 100_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, firstMs, retryAfterMs, chance) => {
        const ms = pauseMsAfter(failures, firstMs, retryAfterMs, () => chance);
        return (
          ms >= retryAfterMs &&
          ms >= Math.min(firstMs, 15_000) &&
          ms <= Math.max(retryAfterMs, 15_000) + 15_000
        );
      },
    ),
  );
});

test('a pause ends early on end() and on the signal, even if they come before it', async (t) => {
  const pause = new Pause();
  const ended = pause.wait(3_600_000, undefined);
  pause.end();
  await ended;
  const leaving = new AbortController();
  const aborted = pause.wait(3_600_000, leaving.signal);
  leaving.abort();
  await aborted;
  await pause.wait(3_600_000, leaving.signal);
  const early = new Pause();
  early.end();
  await early.wait(3_600_000, undefined);
  t.pass('each resolved');
});
