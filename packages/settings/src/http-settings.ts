import Type from 'typebox';
import { fragment } from './fragment.ts';

const host = Type.String({
  default: '127.0.0.1',
  description: 'address to listen on; `0.0.0.0` in a container',
  pattern: '^[A-Za-z0-9._:-]+$',
  remedy: 'a host name or an IP address',
});

const port = (defaultPort: number, whose: string) =>
  Type.Integer({
    default: defaultPort,
    minimum: 0,
    maximum: 65_535,
    description: `port of ${whose}; \`0\` takes a free one`,
    remedy: 'a port from 0 to 65535, where 0 takes a free one',
  });

/** Section `http` of the API. */
export const HttpSettings = fragment(
  'http',
  Type.Object({ HOST: host, PORT: port(3000, 'the API') }),
  ({ HOST, PORT }) => ({ host: HOST, port: PORT }),
);

/** Section `http` of ingest: its health and metrics, beside an API on the same machine. */
export const IngestHttp = fragment(
  'http',
  Type.Object({ HOST: host, INGEST_PORT: port(3001, "ingest's /healthz, /readyz and /metrics") }),
  ({ HOST, INGEST_PORT }) => ({ host: HOST, port: INGEST_PORT }),
);
