import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { conclude, observe, warmUp } from '../../src/endure.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { Flow, startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const ZOMBIES = 12;
/** Many times the platform's session timeout of 1.5 s. */
const EXPELLED_WITHIN_MS = 120_000;

test('a consumer that wakes up after another took over its partitions changes no number', async (t) => {
  const world = await startWorld(t, { users: 12, ingests: 2 });
  const { platform, chance } = world;
  await warmUp(world);
  const flow = new Flow(world);
  flow.start();
  let expelled = 0;
  const observed = await observe(world, async () => {
    for (let i = 0; i < ZOMBIES; i++) {
      await Promise.all(platform.ingests.map((ingest) => ingest.ready()));
      const zombie = chance.pick(platform.ingests);
      // At any point of a batch: between rows and counters, or between counters and checkpoint.
      await sleep(chance.int(0, 600));
      zombie.signal('SIGSTOP');
      for (const end = Date.now() + EXPELLED_WITHIN_MS; Date.now() < end; await sleep(50)) {
        if ((await platform.groupMembers()).length < platform.ingests.length) {
          expelled++;
          break;
        }
      }
      // Before the other consumer starts, while it works, or when it is far ahead.
      await sleep(chance.int(0, 1_500));
      if (chance.chance(0.3)) await platform.flushRedis();
      zombie.signal('SIGCONT');
    }
  });
  await flow.stop();
  t.equal(expelled, ZOMBIES, 'each time the group went on without it');
  const name = `Ingest stopped beyond its session and woken up ${ZOMBIES} times, another in its place`;
  await conclude(t, world, report, { name, observed });
});
