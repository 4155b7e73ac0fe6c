import { randomInt } from 'node:crypto';
import type { Engine } from '@calltally/stack';
import { type Test, testRedis } from '@calltally/stack/testing';
import { Redis } from 'ioredis';

export interface TestCluster {
  nodes: { host: string; port: number }[];
  /** One client for each master, in the order of `nodes`. */
  admins: Redis[];
}

const MASTERS = 3;
const SLOTS = 16_384;
const WAIT_STEPS_MAX = 600;
const PORT_TRIES_MAX = 5;

/** A cluster of three masters, each with a third of the slots. It ends with `t`. */
export async function testCluster(t: Test): Promise<TestCluster> {
  const masters = await Promise.all(Array.from({ length: MASTERS }, () => testMaster(t)));
  const nodes = masters.map(({ engine }) => ({
    host: '127.0.0.1',
    port: Number(new URL(engine.address).port),
  }));
  const admins = nodes.map((node) => new Redis(node));
  t.teardown(() => {
    for (const admin of admins) admin.disconnect();
  });
  for (const [i, admin] of admins.entries()) {
    const first = Math.floor((SLOTS * i) / MASTERS);
    const last = Math.floor((SLOTS * (i + 1)) / MASTERS) - 1;
    await admin.cluster('SET-CONFIG-EPOCH', i + 1);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
  }
  for (const [i, { host, port }] of nodes.entries()) {
    if (i > 0) await admins[0]!.call('CLUSTER', 'MEET', host, port, masters[i]!.busPort);
  }
  for (const admin of admins) await untilWhole(admin);
  return { nodes, admins };
}

/** Also picks the second port. The usual one, 10000 higher, lies among the ports of outgoing connections. */
async function testMaster(t: Test): Promise<{ engine: Engine; busPort: number }> {
  for (let tries = 1; ; tries++) {
    const busPort = randomInt(10_000, 20_000);
    const cluster = { enabled: 'yes', 'node-timeout': 5_000, port: busPort };
    const args = Object.entries(cluster).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`]);
    try {
      return { engine: await testRedis(t, args), busPort };
    } catch (thrown) {
      if (tries === PORT_TRIES_MAX) throw thrown;
    }
  }
}

async function untilWhole(admin: Redis): Promise<void> {
  for (let step = 0; step < WAIT_STEPS_MAX; step++) {
    const info = String(await admin.cluster('INFO'));
    const slots = (await admin.cluster('SLOTS')) as unknown[];
    if (/cluster_state:ok/.test(info) && slots.length === MASTERS) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the cluster does not come together');
}
