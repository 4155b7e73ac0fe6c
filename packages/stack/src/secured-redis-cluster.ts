import { randomInt } from 'node:crypto';
import type { ServerTls } from './certificates.ts';
import type { Engine } from './engine.ts';
import { run } from './obtain/command.ts';
import { obtainTool, REDIS_CLI } from './obtain/tools.ts';
import { until } from './redis-cluster/view.ts';

const MASTERS = 3;
const PORT_TRIES_MAX = 5;

/** How clients, and its nodes among themselves, speak to a secured cluster. */
export interface ClusterSecurity {
  tls: ServerTls;
  password: string;
}

/**
 * Forms a cluster of three masters that want TLS and a password.
 *
 * @param start starts one of them with these arguments, and stops it some day
 * @returns where they are
 */
export async function startSecuredRedisCluster(
  { tls, password }: ClusterSecurity,
  start: (args: string[]) => Promise<Engine>,
): Promise<{ host: string; port: number }[]> {
  const { cert, key } = tls.mutual ?? tls.identity;
  const login = [
    '--tls',
    '--cacert',
    tls.ca,
    '--cert',
    cert,
    '--key',
    key,
    '-a',
    password,
    '--no-auth-warning',
  ];
  const cli = async (...args: string[]) => run(await obtainTool(REDIS_CLI), [...login, ...args]);
  const masters = await Promise.all(Array.from({ length: MASTERS }, () => startMaster(password, start)));
  const places = masters.map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`);
  await cli('--cluster', 'create', ...places, '--cluster-yes');
  for (const { port } of masters) {
    const serves = async () => /^cluster_state:ok/m.test(await cli('-p', `${port}`, 'CLUSTER', 'INFO'));
    await until(serves, `the node at port ${port} serves`);
  }
  return masters.map(({ port }) => ({ host: '127.0.0.1', port }));
}

/** Also picks the second port. The usual one, 10000 higher, lies among the ports of outgoing connections. */
async function startMaster(
  password: string,
  start: (args: string[]) => Promise<Engine>,
): Promise<{ port: number; busPort: number }> {
  for (let tries = 1; ; tries++) {
    const busPort = randomInt(10_000, 20_000);
    const cluster = { enabled: 'yes', 'node-timeout': 5_000, port: busPort };
    const args = Object.entries(cluster).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`]);
    try {
      const { address } = await start([...args, '--requirepass', password]);
      return { port: Number(new URL(address).port), busPort };
    } catch (thrown) {
      if (tries === PORT_TRIES_MAX) throw thrown;
    }
  }
}
