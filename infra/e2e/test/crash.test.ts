import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRecount } from '../src/compare.ts';
import { ask } from '../src/dashboard.ts';
import { Flow } from '../src/flow.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { Traffic } from '../src/traffic.ts';

for (const { ingests, kills } of [
  { ingests: 1, kills: 16 },
  { ingests: 2, kills: 20 },
]) {
  test(`exact after ${kills} kills at random points of ${ingests} ingest while events flow`, async (t) => {
    const chance = Chance.fromEnvironment();
    t.comment(`E2E_SEED=${chance.seed}`);
    const platform = await Platform.start(t, { ingests });
    const traffic = new Traffic(chance, platform.topic, 12);
    const oracle = new Oracle();
    const keys = new Map<string, string>();
    for (const user of traffic.users) keys.set(user, await platform.key(user));
    const flow = new Flow(platform, traffic, oracle, chance);
    flow.start();

    let tooMany = 0;
    let refused = 0;
    for (let kill = 0; kill < kills; kill++) {
      const ingest = chance.pick(platform.ingests);
      // Mostly while it counts, sometimes while it is still joining the group.
      if (chance.chance(0.8)) await ingest.ready();
      await sleep(chance.int(0, 900));
      await ingest.end('SIGKILL');
      ingest.launch();
      const [user, key] = chance.pick([...keys]);
      const answer = await ask(platform.api.url, key, 'start_date=2000-01-01');
      if (answer.status !== 200) refused++;
      if ((answer.body.data?.total_calls ?? 0) > oracle.callsOf(user)) tooMany++;
    }
    await flow.stop();
    await platform.untilRead();

    t.equal(refused, 0, 'every dashboard was answered meanwhile');
    t.equal(tooMany, 0, 'no dashboard ever said more than there was');
    t.comment(`${flow.sent} calls, ${oracle.size} known to the oracle`);
    t.same(await compareWithOracle(platform, oracle, keys), [], 'every number equals the oracle');
    t.same(await compareWithRecount(platform, traffic.users), [], 'Redis is what a recount from Mongo says');
  });
}
