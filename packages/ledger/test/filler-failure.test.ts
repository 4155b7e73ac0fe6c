import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { Filler } from '../src/filler.ts';

test('readers that find users cold do not bring forward the round after a failed one', async (t) => {
  const failedMs: number[] = [];
  const filler = new Filler({
    ledger: () => {
      throw new Error('no generation yet');
    },
    onFailure: () => failedMs.push(performance.now()),
  });
  filler.start();
  t.teardown(() => filler.stop());
  for (let i = 0; i < 200; i++) {
    filler.add(`u-${i}`);
    await turn();
  }
  t.ok(failedMs.length > 0);
  // Timers may be some milliseconds early.
  const rounds = 1 + (performance.now() - failedMs[0]!) / 900;
  t.ok(failedMs.length <= rounds, `${failedMs.length} rounds where at most ${rounds} may be`);
});
