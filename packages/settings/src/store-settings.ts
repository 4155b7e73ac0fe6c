import Type from 'typebox';
import { databaseOf, type HostPort, isMongoUri, isRedisUrl, parseHostPorts } from './addresses.ts';
import { fragment } from './read-settings.ts';

/** One Redis node by its URL. */
export interface RedisNode {
  readonly url: string;
}

/** A Redis Cluster by some of its nodes; credentials and TLS are the same for all. */
export interface RedisCluster {
  readonly clusterNodes: readonly HostPort[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** Section `redis`: a cluster if `REDIS_CLUSTER_NODES` is set, otherwise one node. */
export const RedisSettings = fragment(
  'redis',
  Type.Object({
    REDIS_URL: Type.Refine(
      Type.String({
        default: 'redis://127.0.0.1:6379',
        description:
          'one node; `rediss://` for TLS, `redis://user:password@host:port/database` in full. ' +
          'With `REDIS_CLUSTER_NODES`, only its user, password and TLS are used, for every node',
        remedy: 'a redis:// or rediss:// URL, with user and password percent-encoded',
      }),
      isRedisUrl,
    ),
    REDIS_CLUSTER_NODES: Type.Optional(
      Type.Refine(
        Type.String({
          description: 'some nodes of a cluster, `host:port` separated by commas',
          remedy: 'host:port, separated by commas, each port from 1 to 65535',
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

const defaultDatabase = 'calltally';

/** Section `mongo`: where the rows are. */
export const MongoSettings = fragment(
  'mongo',
  Type.Object({
    MONGODB_URI: Type.Refine(
      Type.String({
        default: `mongodb://127.0.0.1:27017/${defaultDatabase}`,
        description: `servers, options and database; \`${defaultDatabase}\` if the URI names none`,
        remedy: 'a mongodb:// or mongodb+srv:// URI, with user and password percent-encoded',
      }),
      isMongoUri,
    ),
  }),
  // The driver's own default database is `test`, where nobody would look for calls.
  ({ MONGODB_URI }) => ({ uri: MONGODB_URI, database: databaseOf(MONGODB_URI) ?? defaultDatabase }),
);
