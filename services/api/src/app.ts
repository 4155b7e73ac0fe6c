import {
  ConcurrencyLimit,
  type CountersLink,
  type DashboardReader,
  type Filler,
  type RowsAsOf,
  type SeriesReader,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Logger, Registry } from '@calltally/telemetry';
import fastifyCompress from '@fastify/compress';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import { overloaded } from './api-error.ts';
import { answerClientError, refuseTunnel } from './client-error.ts';
import type { ApiKeyCache } from './keys/api-key-cache.ts';
import { measure } from './measure.ts';
import { authentication } from './plugins/authentication.ts';
import { client } from './plugins/client-address.ts';
import { documentation } from './plugins/documentation.ts';
import { errors, sendError } from './plugins/errors.ts';
import { httpMetrics } from './plugins/http-metrics.ts';
import { page } from './plugins/page.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { requestId, requestIdOf } from './plugins/request-id.ts';
import { requestLog } from './plugins/request-log.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { healthRoutes } from './routes/health.ts';
import { metricsRoutes } from './routes/metrics.ts';
import { streamRoutes } from './routes/stream.ts';
import { timeseriesRoutes } from './routes/timeseries.ts';
import { STREAM_LIMITS, type StreamLimits } from './stream/connection-limit.ts';

/** What the app answers from. It neither opens nor closes any of it. */
export interface AppParts {
  reader: Pick<DashboardReader, 'read'>;
  series: Pick<SeriesReader, 'read'>;
  keys: ApiKeyCache;
  store: Pick<Store, 'ping'>;
  link: Pick<CountersLink, 'current'>;
  filler: Pick<Filler, 'pieces' | 'rows' | 'queue'>;
  fallbacks: Pick<ConcurrencyLimit, 'underWay' | 'refused'>;
  rowsAsOf: Pick<RowsAsOf, 'current'>;
  logger: Logger;
  /** A registry of this app alone. */
  metrics: Registry;
  /** Epoch milliseconds; the system's unless given. */
  clock?: () => number;
  /** Proxies whose word on a client's address is taken, as `TRUST_PROXY` lists them; nobody's unless given. */
  trustedProxies?: readonly string[];
  /** Requests that one user may make in a second; 0, the default, is no limit. */
  rateLimitPerSecond?: number;
  /** Reads that may be under way at once; those that a core answers within a second or two unless given. */
  readsAtOnceMax?: number;
  /** Streams that may be open at once; those of a process that has a core unless given. */
  streamLimits?: StreamLimits;
  /** How long the next stream may go on; ten to twenty minutes unless given. */
  streamLifeMs?: () => number;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Longer than load balancers keep a connection, so that it is never us who close one just as a request comes. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** No route takes a body. */
const BODY_BYTES_MAX = 1_024;
const READS_AT_ONCE_MAX = 4_000;

/** Puts the API together; it listens nowhere yet. Load order is the order of dependence. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { logger, metrics, clock = Date.now, rateLimitPerSecond = 0, streamLimits = STREAM_LIMITS } = parts;
  const { trustedProxies = [], readsAtOnceMax = READS_AT_ONCE_MAX } = parts;
  const reads = new ConcurrencyLimit(readsAtOnceMax, overloaded);
  const app = fastify({
    loggerInstance: logger,
    // Our own hook writes one line a request instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: BODY_BYTES_MAX,
    // What comes in on open connections while we stop is still answered, and told to close.
    return503OnClosing: false,
    frameworkErrors: sendError,
    clientErrorHandler: answerClientError,
    // A parameter given twice is a fault, not a list of one; and a fault tells the value (error-of.ts).
    ajv: { customOptions: { coerceTypes: false, verbose: true } },
    // A child logger a request would cost more than the request; lines carry the id themselves.
    childLoggerFactory: (parent) => parent,
  });
  app.server.on('connect', refuseTunnel);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });

  // By the routes whose answers may be large, and by no others: what is small pays nothing, and events are never held back.
  await app.register(fastifyCompress, { global: false, encodings: ['br', 'gzip'] });
  await app.register(client);
  await app.register(requestId);
  await app.register(httpMetrics, { metrics });
  await app.register(rateLimit, { perSecond: rateLimitPerSecond });
  await app.register(authentication, { keys: parts.keys, clock });
  await app.register(requestLog);
  await app.register(errors);
  await app.register(documentation);
  await app.register(dashboardRoutes, { reader: parts.reader, reads, clock, metrics });
  await app.register(timeseriesRoutes, { series: parts.series, reads, clock, metrics });
  await app.register(streamRoutes, {
    ...parts,
    clock,
    limits: streamLimits,
    ...(parts.streamLifeMs && { lifeMs: parts.streamLifeMs }),
  });
  await app.register(healthRoutes, { store: parts.store, link: parts.link });
  await app.register(metricsRoutes, { metrics });
  await app.register(page);
  measure(metrics, { ...parts, reads });
  return app as unknown as FastifyInstance;
}
