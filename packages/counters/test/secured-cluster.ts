import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Engine, ServerTls } from '@calltally/stack';
import { type Test, testRedis } from '@calltally/stack/testing';
import { Redis } from 'ioredis';

const MASTERS = 3;
const SLOTS = 16_384;
const WAIT_STEPS_MAX = 600;
const PORT_TRIES_MAX = 5;

/** How clients, and its nodes among themselves, speak to a secured cluster. */
export interface ClusterSecurity {
  tls: ServerTls;
  password: string;
}

/** The nodes of a cluster of three masters, each with a third of the slots. It ends with `t`. */
export async function securedCluster(
  t: Test,
  { tls, password }: ClusterSecurity,
): Promise<{ host: string; port: number }[]> {
  const masters = await Promise.all(Array.from({ length: MASTERS }, () => testMaster(t, tls, password)));
  const nodes = masters.map(({ engine }) => ({
    host: '127.0.0.1',
    port: Number(new URL(engine.address).port),
  }));
  const ca = readFileSync(tls.ca);
  const admins = nodes.map((node) => new Redis({ ...node, password, tls: { ca } }));
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
  return nodes;
}

/** Also picks the second port. The usual one, 10000 higher, lies among the ports of outgoing connections. */
async function testMaster(
  t: Test,
  tls: ServerTls,
  password: string,
): Promise<{ engine: Engine; busPort: number }> {
  for (let tries = 1; ; tries++) {
    const busPort = randomInt(10_000, 20_000);
    const cluster = { enabled: 'yes', 'node-timeout': 5_000, port: busPort };
    const args = Object.entries(cluster).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`]);
    args.push('--requirepass', password);
    try {
      return { engine: await testRedis(t, args, tls), busPort };
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
