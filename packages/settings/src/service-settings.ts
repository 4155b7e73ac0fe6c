import Type from 'typebox';
import { parseNetworks } from './addresses.ts';
import type { ReportFault } from './faults.ts';
import { fragment } from './read-settings.ts';

const host = Type.String({
  default: '127.0.0.1',
  description: 'address to listen on; `0.0.0.0` in a container',
  pattern: '^[A-Za-z0-9._:-]+$',
  remedy: 'a host name or an IP address, IPv6 without brackets',
});

const port = (defaultPort: number, whose: string) =>
  Type.Integer({
    default: defaultPort,
    minimum: 0,
    maximum: 65_535,
    description: `port of ${whose}; \`0\` takes a free one`,
    remedy: 'a port from 0 to 65535, where 0 takes a free one',
  });

/** @param all the variable of the port that serves everything otherwise */
const managementPort = (whose: string, all: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      description:
        `port of ${whose}'s /healthz, /readyz and /metrics, which \`${all}\` then does not serve; \`0\` takes a free one. ` +
        `If unset, \`${all}\` serves them`,
      remedy: 'a port from 0 to 65535, where 0 takes a free one',
    }),
  );

function refuseSamePort(
  all: string,
  port: number,
  management: string,
  managementPort: number | undefined,
  report: ReportFault,
): void {
  if (managementPort !== port || port === 0) return;
  const remedy = `set it to another port, or leave it out to serve everything on ${all}`;
  report([management, all], `is the same as ${all}`, remedy);
}

/** Section `http` of the API. Without `managementPort`, `port` serves everything. */
export const HttpSettings = fragment(
  'http',
  Type.Object({
    HOST: host,
    PORT: port(3000, 'the API'),
    MANAGEMENT_PORT: managementPort('the API', 'PORT'),
  }),
  ({ HOST, PORT, MANAGEMENT_PORT }, report) => {
    refuseSamePort('PORT', PORT, 'MANAGEMENT_PORT', MANAGEMENT_PORT, report);
    return { host: HOST, port: PORT, managementPort: MANAGEMENT_PORT };
  },
);

/** Section `drain`. */
export const DrainSettings = fragment(
  'drain',
  Type.Object({
    DRAIN_SECONDS: Type.Integer({
      default: 10,
      minimum: 0,
      maximum: 3_600,
      description:
        'how long the API and intake go on answering after SIGTERM, with a /readyz that says no, until they stop listening; ' +
        '`0` stops at once. Longer than balancers and Kubernetes take to notice',
      remedy: 'a whole number of seconds from 0 to 3600',
    }),
  }),
  ({ DRAIN_SECONDS }) => ({ ms: DRAIN_SECONDS * 1_000 }),
);

/** Section `http` of ingest. Its port differs from the API's, so that both can run on one machine. */
export const IngestHttp = fragment(
  'http',
  Type.Object({ HOST: host, INGEST_PORT: port(3001, "ingest's /healthz, /readyz and /metrics") }),
  ({ HOST, INGEST_PORT }) => ({ host: HOST, port: INGEST_PORT }),
);

/** Section `http` of intake. Without `managementPort`, `port` serves everything. */
export const IntakeHttp = fragment(
  'http',
  Type.Object({
    HOST: host,
    INTAKE_PORT: port(3002, 'intake'),
    INTAKE_MANAGEMENT_PORT: managementPort('intake', 'INTAKE_PORT'),
  }),
  ({ HOST, INTAKE_PORT, INTAKE_MANAGEMENT_PORT }, report) => {
    refuseSamePort('INTAKE_PORT', INTAKE_PORT, 'INTAKE_MANAGEMENT_PORT', INTAKE_MANAGEMENT_PORT, report);
    return { host: HOST, port: INTAKE_PORT, managementPort: INTAKE_MANAGEMENT_PORT };
  },
);

/** Section `proxy`: the proxies that may state a client's address; none if `trusted` is empty. */
export const ProxySettings = fragment(
  'proxy',
  Type.Object({
    TRUST_PROXY: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'proxies whose `X-Forwarded-For` is trusted for the client’s address, in limits and logs: addresses and ' +
            'networks separated by commas, IPv4 or IPv6 (`10.0.0.0/8,::1`), or `loopback`, `linklocal`, ' +
            '`uniquelocal`. If unset, the client is whoever connects',
          remedy:
            'addresses and networks of your proxies separated by commas, such as 10.0.0.0/8,::1 or loopback; ' +
            'neither true nor a number of hops, which would let clients choose their address',
        }),
        (text) => parseNetworks(text) !== undefined,
      ),
    ),
  }),
  ({ TRUST_PROXY }) => ({ trusted: parseNetworks(TRUST_PROXY ?? '') ?? [] }),
);

/** Section `rateLimit`: how much one user may ask of one API process; `perSecond` 0 means no limit. */
export const RateLimitSettings = fragment(
  'rateLimit',
  Type.Object({
    RATE_LIMIT_PER_SECOND: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1_000_000,
      description: 'requests per second that one user may make to one API process; `0` means no limit',
      remedy: 'a whole number of requests per second, or 0 for no limit',
    }),
  }),
  ({ RATE_LIMIT_PER_SECOND }) => ({ perSecond: RATE_LIMIT_PER_SECOND }),
);

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Section `log`. */
export const LogSettings = fragment(
  'log',
  Type.Object({
    LOG_LEVEL: Type.Enum(levels, {
      default: 'info',
      description: `lowest level that is logged: ${levels.map((level) => `\`${level}\``).join(', ')}`,
      remedy: `one of ${levels.join(', ')}`,
    }),
  }),
  ({ LOG_LEVEL }) => ({ level: LOG_LEVEL }),
);
