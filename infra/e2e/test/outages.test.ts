import { cpSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRecount } from '../src/compare.ts';
import { type Answer, ask } from '../src/dashboard.ts';
import { Flow } from '../src/flow.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { redisCommand } from '../src/redis-command.ts';
import { Traffic } from '../src/traffic.ts';

const AWAY_MS = 3_000;

/** What dashboards were told while something was wrong. */
interface Watch {
  statuses: Map<number, number>;
  tooMany: number;
  slowestMs: number;
}

test('exact again after every outage, without any help, while events flow', async (t) => {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  // Without the append-only file a dump is all that a restarted Redis knows.
  const redisArguments = ['--appendonly', 'no', '--save', ''];
  const platform = await Platform.start(t, { ownEngines: true, redisArguments });
  const { redis, mongo, kafka } = platform;
  const traffic = new Traffic(chance, platform.topic, 10);
  const oracle = new Oracle();
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));
  const dump = `${redis.dataDir}/dump.rdb`;
  const kept = `${redis.dataDir}/older.rdb`;

  const outages: { name: string; answered: boolean; happen: () => Promise<void> }[] = [
    {
      name: 'Redis emptied',
      answered: true,
      happen: async () => void (await redisCommand(redis.address, 'FLUSHALL')),
    },
    {
      name: 'Redis back to an older dump',
      answered: true,
      happen: async () => {
        await redisCommand(redis.address, 'SAVE');
        cpSync(dump, kept);
        await sleep(AWAY_MS);
        await redis.stop('SIGKILL');
        rmSync(dump, { force: true });
        cpSync(kept, dump);
        await redis.start();
      },
    },
    {
      name: 'Redis emptied by a restart',
      answered: true,
      happen: async () => {
        await redis.stop('SIGKILL');
        rmSync(dump, { force: true });
        await redis.start();
      },
    },
    {
      name: 'Redis gone for a while',
      answered: true,
      happen: async () => {
        await redisCommand(redis.address, 'SAVE');
        await redis.stop('SIGKILL');
        await sleep(AWAY_MS);
        await redis.start();
      },
    },
    {
      name: 'Mongo gone for a while',
      answered: true,
      happen: async () => {
        await mongo.stop('SIGKILL');
        await sleep(AWAY_MS);
        await mongo.start();
      },
    },
    {
      name: 'Kafka gone for a while',
      answered: true,
      happen: async () => {
        await kafka.stop('SIGKILL');
        await sleep(AWAY_MS);
        await kafka.start();
      },
    },
  ];

  for (const outage of outages) {
    const flow = new Flow(platform, traffic, oracle, chance);
    flow.start();
    await sleep(1_500);
    // The default window stays with the counters when Mongo is away; every user has been read before.
    const watching = watch(platform, keys, oracle, chance);
    await outage.happen();
    await sleep(1_000);
    const { statuses, tooMany, slowestMs } = await watching.stop();
    await flow.stop();
    await platform.untilRead(90_000);
    t.comment(
      `${outage.name}: ${JSON.stringify([...statuses])}, slowest ${Math.round(slowestMs)} ms, ${oracle.size} calls so far`,
    );
    t.equal(tooMany, 0, `${outage.name}: no dashboard said more than there was`);
    t.same(
      [...statuses.keys()].filter((status) => status !== 200),
      [],
      `${outage.name}: every dashboard was answered`,
    );
    t.same(
      await compareWithOracle(platform, oracle, keys),
      [],
      `${outage.name}: every number equals the oracle`,
    );
    t.same(
      await compareWithRecount(platform, traffic.users),
      [],
      `${outage.name}: Redis is what a recount says`,
    );
  }
});

function watch(platform: Platform, keys: Map<string, string>, oracle: Oracle, chance: Chance) {
  const seen: Watch = { statuses: new Map(), tooMany: 0, slowestMs: 0 };
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const [user, key] = chance.pick([...keys]);
      const answer: Answer = await ask(platform.api.url, key);
      seen.statuses.set(answer.status, (seen.statuses.get(answer.status) ?? 0) + 1);
      seen.slowestMs = Math.max(seen.slowestMs, answer.tookMs);
      if ((answer.body.data?.total_calls ?? 0) > oracle.callsOf(user)) seen.tooMany++;
      await sleep(20);
    }
    return seen;
  })();
  return {
    stop() {
      stopped = true;
      return running;
    },
  };
}
