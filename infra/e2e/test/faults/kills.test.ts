import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { conclude, observe, warmUp } from '../../src/endure.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { killIngest } from '../../src/kill-ingest.ts';
import { rounds } from '../../src/rounds.ts';
import { Flow, startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);

for (const { ingests, kills } of [
  { ingests: 1, kills: rounds(16) },
  { ingests: 2, kills: rounds(20) },
]) {
  test(`exact after ${kills} kills of ${ingests} ingest at random points while events flow`, async (t) => {
    const world = await startWorld(t, { users: 12, ingests });
    const flow = new Flow(world);
    flow.start();
    // Readers never pause: cold users are filled while ingest counts and dies.
    const observed = await observe(world, () => killIngest(world, kills, 0.4));
    await flow.stop();
    const name = `Ingest killed ${kills} times, ${ingests} of them, Redis emptied now and then`;
    await conclude(t, world, report, { name, observed });
  });
}

test('exact after some kills of the API while events flow', async (t) => {
  const kills = rounds(6);
  const world = await startWorld(t, { users: 6 });
  const { platform, chance } = world;
  await warmUp(world);
  const flow = new Flow(world);
  flow.start();
  const observed = await observe(world, async () => {
    for (let kill = 0; kill < kills; kill++) {
      await sleep(chance.int(100, 700));
      await platform.api.end('SIGKILL');
      // It leaves a half-done fill.
      if (chance.chance(0.5)) await platform.flushRedis();
      await platform.api.start();
    }
  });
  await flow.stop();
  const there = [200, 'none'] as const;
  const name = `API killed ${kills} times and started again`;
  await conclude(t, world, report, { name, observed, whole: there, cut: there });
});
