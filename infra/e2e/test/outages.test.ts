import { cpSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle, compareWithRecount } from '../src/compare.ts';
import { Flow } from '../src/flow.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { redisCommand } from '../src/redis-command.ts';
import { Traffic } from '../src/traffic.ts';
import { watch } from '../src/watch.ts';

const AWAY_MS = 3_000;

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
