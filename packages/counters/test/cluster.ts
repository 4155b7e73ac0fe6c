import type { ClusterNode } from '@calltally/stack';
import { type Test, testRedisCluster } from '@calltally/stack/testing';
import { Redis } from 'ioredis';

export interface TestCluster {
  nodes: ClusterNode[];
  /** One client for each master, in the order of `nodes`. */
  admins: Redis[];
}

/** A cluster of three masters, each with a third of the slots. It ends with `t`. */
export async function testCluster(t: Test): Promise<TestCluster> {
  // No test waits for a failover here.
  const { nodes } = await testRedisCluster(t, { replicas: 0, nodeTimeoutMs: 30_000 });
  const admins = nodes.map(({ host, port }) => new Redis({ host, port }));
  t.teardown(() => {
    for (const admin of admins) admin.disconnect();
  });
  return { nodes, admins };
}
