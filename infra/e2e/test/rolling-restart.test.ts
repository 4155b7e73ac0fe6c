import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, observe, warmUp } from '../src/endure.ts';
import type { Service } from '../src/service.ts';
import { Flow, startWorld, type World } from '../src/world.ts';

/** As in docs/operations.md: one process after another, each ready before the next one stops. */
async function restartOneByOne({ platform }: World, ended: (exitCode: unknown, of: Service) => void) {
  for (const ingest of platform.ingests) {
    ended(await ingest.end('SIGTERM'), ingest);
    await ingest.start();
  }
  for (const api of platform.apis) {
    await platform.withoutApi(api, async () => {
      // By now a load balancer has dropped the process, and its last requests are in flight.
      await sleep(100);
      ended(await api.end('SIGTERM'), api);
      await api.start();
    });
  }
}

test('a rolling restart while events flow answers every dashboard, loses no call and counts none twice', async (t) => {
  const world = await startWorld(t, { users: 6, ingests: 2, apis: 2 });
  await warmUp(world);
  const { platform } = world;
  const flow = new Flow(world);
  flow.start();
  const exitCodes: unknown[] = [];
  const restart = () =>
    restartOneByOne(world, (exitCode, { log }) => {
      exitCodes.push(exitCode);
      if (exitCode !== 0) t.comment(log.slice(-4_000));
    });
  const { whole, cut } = await observe(world, restart);
  await flow.stop();
  t.same(exitCodes, [0, 0, 0, 0], 'each process ended by itself, in its time');
  for (const [days, watched] of Object.entries({ whole, cut })) {
    t.same([...watched.statuses.keys()], [200], `${days} days: ${watched.statuses.get(200)} answers`);
    t.equal(
      watched.tooMany + watched.tooFew,
      0,
      `${days} days: none beyond what there was, or below its as-of`,
    );
  }
  await caughtUp(world);
  const measured = (await platform.metric('calltally_lag_messages')).map(({ labels }) => labels);
  t.equal(measured.length, 6, `a partition is measured by the process that reads it: ${measured}`);
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${world.oracle.size} calls`);
  t.same(await compareWithRows(world), [], 'the counters equal the rows');
});
