import Type from 'typebox';
import { type HostPort, isRedisUrl, parseHostPorts } from './addresses.ts';
import { fragment } from './fragment.ts';

/** One Redis node by its URL. */
export interface RedisNode {
  readonly url: string;
}

/** A Redis Cluster by some of its nodes; whoever logs in and TLS hold for every node. */
export interface RedisCluster {
  readonly clusterNodes: readonly HostPort[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** Section `redis`: a cluster where `REDIS_CLUSTER_NODES` is set, one node otherwise. */
export const RedisSettings = fragment(
  'redis',
  Type.Object({
    REDIS_URL: Type.Refine(
      Type.String({
        default: 'redis://127.0.0.1:6379',
        description:
          'one node; `rediss://` for TLS, `redis://user:password@host:port/database` in full. ' +
          'Beside `REDIS_CLUSTER_NODES` only its user, password and TLS are taken, for every node',
        remedy: 'a redis:// or rediss:// URL, with user and password percent-encoded',
      }),
      isRedisUrl,
    ),
    REDIS_CLUSTER_NODES: Type.Optional(
      Type.Refine(
        Type.String({
          description: 'some nodes of a cluster, `host:port` with commas between',
          remedy: 'host:port, with commas between several, each port from 1 to 65535',
        }),
        (text) => parseHostPorts(text) !== undefined,
      ),
    ),
  }),
  ({ REDIS_URL, REDIS_CLUSTER_NODES }): RedisNode | RedisCluster => {
    if (REDIS_CLUSTER_NODES === undefined) return { url: REDIS_URL };
    const { protocol, username, password } = new URL(REDIS_URL);
    return {
      clusterNodes: parseHostPorts(REDIS_CLUSTER_NODES) ?? [],
      tls: protocol === 'rediss:',
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
  },
);
