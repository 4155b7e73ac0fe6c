import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRecount } from '../src/compare.ts';
import { Flow } from '../src/flow.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { Traffic } from '../src/traffic.ts';
import { watch } from '../src/watch.ts';

for (const { ingests, kills } of [
  { ingests: 1, kills: 16 },
  { ingests: 2, kills: 20 },
]) {
  test(`exact after ${kills} kills of ${ingests} ingest at random points while events flow`, async (t) => {
    const chance = Chance.fromEnvironment();
    t.comment(`E2E_SEED=${chance.seed}`);
    const platform = await Platform.start(t, { ingests });
    const traffic = new Traffic(chance, platform.topic, 12);
    const oracle = new Oracle();
    const keys = new Map<string, string>();
    for (const user of traffic.users) keys.set(user, await platform.key(user));
    const flow = new Flow(platform, traffic, oracle, chance);
    flow.start();

    // Readers never rest: a user that Redis lost is recounted behind their answers, while ingest counts and dies.
    const watching = watch(platform, keys, oracle, chance);
    for (let kill = 0; kill < kills; kill++) {
      const ingest = chance.pick(platform.ingests);
      // Mostly while it counts, sometimes while it is still joining the group.
      if (chance.chance(0.8)) await ingest.ready();
      await sleep(chance.int(0, 900));
      await ingest.end('SIGKILL');
      ingest.launch();
      if (chance.chance(0.4)) await platform.flushRedis();
    }
    const { statuses, tooMany } = await watching.stop();
    await flow.stop();
    await platform.untilRead();

    t.same([...statuses.keys()], [200], 'every dashboard was answered meanwhile');
    t.equal(tooMany, 0, 'no dashboard ever said more than there was');
    t.comment(`${flow.sent} calls, ${oracle.size} known to the oracle`);
    t.same(await compareWithOracle(platform, oracle, keys), [], 'every number equals the oracle');
    t.same(await compareWithRecount(platform, traffic.users), [], 'Redis is what a recount from Mongo says');
  });
}
