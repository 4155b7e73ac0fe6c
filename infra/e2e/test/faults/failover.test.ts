import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@calltally/stack';
import { testRedis } from '@calltally/stack/testing';
import { test } from 'tap';
import { endure } from '../../src/endure.ts';
import { redisCommand } from '../../src/engines.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { TcpProxy } from '../../src/proxy.ts';
import { startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
const STEPS_MAX = 500;
const STEP_MS = 20;
/** How long nobody answers at the address. */
const AWAY_MS = 300;
/** The least number of events that a replica lacks when it is promoted. */
const LACKS = 20;

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let step = 0; step < STEPS_MAX; step++) {
    if (await holds()) return;
    await sleep(STEP_MS);
  }
  throw new Error(`timed out; waited until ${what}`);
}

/** Events that a Redis has counted, by its own checkpoints. */
async function markedIn(address: string): Promise<number> {
  const ledger = await redisCommand(address, 'HGETALL ct2:ledger:{0}');
  const checkpoints = [...ledger.matchAll(/mark:\S+\r\n\$\d+\r\n(-?\d+)/g)];
  return checkpoints.reduce((sum, [, offset]) => sum + Number(offset) + 1, 0);
}

test('Redis fails over to a replica: dashboards are answered, and exact again without help', async (t) => {
  const world = await startWorld(t, { users: 10 });
  const { address } = world.platform.redis;
  const { port } = new URL(address);
  let master: Engine = world.platform.redis;

  /** A Redis that has caught up with the master and replicates it through a proxy. */
  const follow = async () => {
    await redisCommand(address, 'CONFIG SET repl-diskless-sync-delay 0');
    const line = await TcpProxy.to(address);
    t.teardown(() => line.close());
    const replica = await testRedis(t);
    await redisCommand(replica.address, `REPLICAOF 127.0.0.1 ${line.port}`);
    const inStep = async () =>
      (await redisCommand(replica.address, 'INFO replication')).includes('master_link_status:up');
    await until(inStep, 'the replica follows');
    return { line, replica };
  };

  /** Takes over the master's address, as when operators move a host name or an IP. */
  const takeAddress = async (replica: Engine) => {
    await sleep(AWAY_MS);
    await redisCommand(replica.address, `CONFIG SET port ${port}`);
    master = replica;
  };
  const promote = async (replica: Engine) => {
    await redisCommand(replica.address, 'REPLICAOF NO ONE');
    await takeAddress(replica);
  };

  const faults = [
    {
      name: 'Redis killed, a replica in step takes over',
      begin: async () => {
        const { replica } = await follow();
        await master.stop('SIGKILL');
        await promote(replica);
      },
    },
    {
      name: 'Redis killed, a replica that lags takes over',
      begin: async () => {
        const { replica, line } = await follow();
        line.halfOpen();
        const lacks = async () => (await markedIn(address)) - (await markedIn(replica.address));
        await until(async () => (await lacks()) >= LACKS, 'the replica lags');
        await master.stop('SIGKILL');
        await promote(replica);
      },
    },
    {
      // Readers stay connected to what is a replica now; it refuses the writes of ingest.
      name: 'Redis hands over to a replica and becomes one, no connection is cut',
      begin: async () => {
        const { replica } = await follow();
        // The master may not yet know that the replica is in step, and refuses then.
        const handOver = `FAILOVER TO 127.0.0.1 ${new URL(replica.address).port}`;
        await until(async () => (await redisCommand(address, handOver)).includes('OK'), 'it hands over');
        const isMaster = async () =>
          (await redisCommand(replica.address, 'INFO replication')).includes('role:master');
        await until(isMaster, 'it is handed over');
        await redisCommand(address, 'CONFIG SET port 0');
        await takeAddress(replica);
      },
    },
  ];
  for (const fault of faults) {
    await t.test(fault.name, (t) => endure(t, world, report, { ...fault, amidTraffic: true }));
  }
});
