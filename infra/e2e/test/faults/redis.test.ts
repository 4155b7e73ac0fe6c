import { cpSync, rmSync } from 'node:fs';
import { test } from 'tap';
import { endure, type Fault } from '../../src/endure.ts';
import { redisCommand, signalEngine } from '../../src/engines.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);

test('Redis fails in every way: dashboards are answered, and exact again without help', async (t) => {
  // Without the append-only file, a restarted Redis knows only its dump.
  const redisArguments = ['--appendonly', 'no', '--save', ''];
  const world = await startWorld(t, { users: 10, lines: ['redis'], redisArguments });
  const { redis } = world.platform;
  const line = world.platform.line('redis');
  const command = (text: string) => redisCommand(redis.address, text);
  const dump = `${redis.dataDir}/dump.rdb`;
  const kept = `${redis.dataDir}/older.rdb`;
  const heal = () => line.heal();

  const faults: Fault[] = [
    { name: 'Redis slow, 50 ms each way', begin: () => line.delay(50), end: heal },
    { name: 'Redis slow, 500 ms each way', begin: () => line.delay(500), end: heal },
    { name: 'Redis behind a line of 20 kB/s', begin: () => line.throttle(20_000), end: heal },
    {
      name: 'Redis hung (SIGSTOP)',
      begin: () => signalEngine(redis, 'SIGSTOP'),
      end: () => signalEngine(redis, 'SIGCONT'),
    },
    { name: 'Redis cut off', begin: () => line.cut(), end: heal },
    { name: 'Redis half-open', begin: () => line.halfOpen(), end: heal },
    {
      name: 'Redis full',
      begin: () => command('CONFIG SET maxmemory 1mb'),
      end: () => command('CONFIG SET maxmemory 0'),
    },
    { name: 'Redis emptied', begin: () => command('FLUSHALL'), amidTraffic: true },
    {
      name: 'Redis back to an older dump',
      amidTraffic: true,
      begin: async () => {
        await command('SAVE');
        cpSync(dump, kept);
      },
      end: async () => {
        await redis.stop('SIGKILL');
        rmSync(dump, { force: true });
        cpSync(kept, dump);
        await redis.start();
      },
    },
    {
      name: 'Redis emptied by a restart',
      amidTraffic: true,
      begin: async () => {
        await redis.stop('SIGKILL');
        rmSync(dump, { force: true });
        await redis.start();
      },
    },
    {
      name: 'Redis killed, back after a while',
      amidTraffic: true,
      begin: async () => {
        await command('SAVE');
        await redis.stop('SIGKILL');
      },
      end: () => redis.start(),
    },
    {
      name: 'Services started while Redis is away',
      whole: [200, 'none'],
      cut: [200, 'none'],
      amidTraffic: true,
      begin: async () => {
        await command('SAVE');
        await redis.stop('SIGKILL');
        await world.platform.restartServices();
      },
      end: () => redis.start(),
    },
  ];
  for (const fault of faults) await t.test(fault.name, (t) => endure(t, world, report, fault));
});
