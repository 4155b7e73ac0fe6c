import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine.ts';
import { onFreePorts } from '../ports.ts';
import { type RedisOptions, startRedis } from '../redis.ts';
import { redisCli } from '../redis-cli.ts';

/** A process of a Redis Cluster. It stays the same node when it is stopped and started again. */
export interface ClusterNode extends Engine {
  /** Its name within the cluster. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  /** The port that the other nodes connect to. */
  readonly busPort: number;
}

export interface NodeOptions extends RedisOptions {
  /** After how long without an answer the others take it for dead. */
  nodeTimeoutMs: number;
}

/** Starts a node that belongs to no cluster yet, or to that of its last start in this folder. */
export async function startNode({ nodeTimeoutMs, args = [], ...options }: NodeOptions): Promise<ClusterNode> {
  await mkdir(options.dataDir, { recursive: true });
  // By default the bus port is 10000 higher, and so may be one of the ports of outgoing connections.
  return onFreePorts(options.dataDir, ['bus'], async ({ bus: busPort }) => {
    const settings = {
      enabled: 'yes',
      port: busPort,
      'node-timeout': nodeTimeoutMs,
      // The other masters go on while the slots of one are away.
      'require-full-coverage': 'no',
    };
    const cluster = Object.entries(settings).flatMap(([name, value]) => [`--cluster-${name}`, `${value}`]);
    const engine = await startRedis({
      ...options,
      dataDir: join(options.dataDir, 'redis'),
      args: [...cluster, ...args],
    });
    const id = await redisCli(engine.address, 'CLUSTER', 'MYID');
    const { hostname: host, port } = new URL(engine.address);
    return Object.assign(engine, { id, host, port: Number(port), busPort });
  });
}
