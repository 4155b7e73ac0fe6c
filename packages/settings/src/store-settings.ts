import Type from 'typebox';
import { databaseOf, type HostPort, isMongoUri, isRedisUrl, parseHostPorts } from './addresses.ts';
import { readText } from './file-variables.ts';
import { fragment } from './read-settings.ts';
import { authorities, clientCertificate, clientKey, readTls, type Tls } from './tls-settings.ts';

/** One Redis node by its URL. */
export interface RedisNode {
  readonly url: string;
  /** If absent, TLS is as the URL's scheme says, with the authorities that Node knows. */
  readonly tls?: Tls;
}

/** A Redis Cluster by some of its nodes; credentials and TLS are the same for all. */
export interface RedisCluster {
  readonly clusterNodes: readonly HostPort[];
  readonly tls: boolean | Tls;
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
          'one node; `rediss://` for TLS, `redis://user:password@host:port/database` in full, an IPv6 address in brackets. ' +
          'With `REDIS_CLUSTER_NODES`, only its user, password and TLS are used, for every node',
        remedy: 'a redis:// or rediss:// URL, with user and password percent-encoded',
        inFile: true,
      }),
      isRedisUrl,
    ),
    REDIS_PASSWORD: Type.Optional(
      Type.String({
        description: 'the password, if `REDIS_URL` has none; as it is, not encoded',
        inFile: true,
      }),
    ),
    REDIS_TLS_CA: authorities('Redis'),
    REDIS_TLS_CERT: clientCertificate('REDIS_TLS_KEY'),
    REDIS_TLS_KEY: clientKey(),
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
  (values, report): RedisNode | RedisCluster => {
    const { REDIS_PASSWORD, REDIS_CLUSTER_NODES } = values;
    const url = new URL(values.REDIS_URL);
    const isTls = url.protocol === 'rediss:';
    if (REDIS_PASSWORD !== undefined) {
      if (url.password !== '')
        report(
          ['REDIS_PASSWORD', 'REDIS_URL'],
          'is set, and REDIS_URL has a password',
          'remove one of the two',
        );
      url.password = encodeURIComponent(REDIS_PASSWORD);
    }
    const tls = readTls(
      {
        ca: ['REDIS_TLS_CA', values.REDIS_TLS_CA],
        cert: ['REDIS_TLS_CERT', values.REDIS_TLS_CERT],
        key: ['REDIS_TLS_KEY', values.REDIS_TLS_KEY],
      },
      isTls ? undefined : { variable: 'REDIS_URL', remedy: 'let it begin with rediss://' },
      report,
    );
    const hasFiles = Object.keys(tls).length > 0;
    if (REDIS_CLUSTER_NODES === undefined) {
      return {
        url: REDIS_PASSWORD === undefined ? values.REDIS_URL : url.href,
        ...(hasFiles && { tls }),
      };
    }
    return {
      clusterNodes: parseHostPorts(REDIS_CLUSTER_NODES) ?? [],
      tls: isTls && (!hasFiles || tls),
      ...(url.username && { username: decodeURIComponent(url.username) }),
      ...(url.password && { password: decodeURIComponent(url.password) }),
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
        description:
          `servers, options and database; \`${defaultDatabase}\` if the URI names none. With TLS: \`tls=true\`, and the ` +
          'paths `tlsCAFile` (authorities) and `tlsCertificateKeyFile` (our certificate and its key in one file)',
        remedy: 'a mongodb:// or mongodb+srv:// URI, with user and password percent-encoded',
        inFile: true,
      }),
      isMongoUri,
    ),
  }),
  ({ MONGODB_URI }, report) => {
    for (const [option, path] of filesOf(MONGODB_URI)) {
      const read = readText(path);
      if ('fault' in read)
        report(
          ['MONGODB_URI'],
          `names a file in ${option} that cannot be read (${read.fault})`,
          'correct the path or the rights of the file',
        );
    }
    // The driver's own default database is `test`, where nobody would look for calls.
    return { uri: MONGODB_URI, database: databaseOf(MONGODB_URI) ?? defaultDatabase };
  },
);

const FILE_OPTIONS = ['tlsCAFile', 'tlsCertificateKeyFile', 'tlsCRLFile'];

/** The options of a Mongo URI that name files, as the driver spells them, and the paths. */
function filesOf(uri: string): [option: string, path: string][] {
  const files: [option: string, path: string][] = [];
  for (const [name, path] of new URLSearchParams(uri.split('?')[1])) {
    const option = FILE_OPTIONS.find((one) => one.toLowerCase() === name.toLowerCase());
    if (option !== undefined) files.push([option, path]);
  }
  return files;
}
