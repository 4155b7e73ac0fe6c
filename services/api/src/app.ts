import { ConcurrencyLimit } from '@calltally/ledger';
import fastifyCompress from '@fastify/compress';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import { ApiError } from './api-error.ts';
import { Drain, movesConnections } from './drain.ts';
import { answerClientError, refuseTunnel } from './malformed-request.ts';
import { registerMetrics } from './metrics.ts';
import type { AppParts, RouteParts } from './parts.ts';
import { authentication } from './plugins/authentication.ts';
import { documentation } from './plugins/documentation.ts';
import { errors, sendError } from './plugins/errors.ts';
import { httpMetrics } from './plugins/http-metrics.ts';
import { page } from './plugins/page.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { requestContext, requestIdOf } from './plugins/request-context.ts';
import { requestLog } from './plugins/request-log.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { operationsRoutes } from './routes/operations.ts';
import { streamRoutes } from './routes/stream.ts';
import { timeseriesRoutes } from './routes/timeseries.ts';
import { STREAM_LIMITS } from './stream/connection-limit.ts';

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Longer than load balancers keep a connection, so that we never close one while a request arrives. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** No route takes a body. */
const BODY_BYTES_MAX = 1_024;
const READS_AT_ONCE_MAX = 4_000;

/** Assembles the API, without listening. Plugins are registered in order of dependence. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { logger, metrics, clock = Date.now, rateLimitPerSecond = 0, streamLimits = STREAM_LIMITS } = parts;
  const { trustedProxies = [], readsAtOnceMax = READS_AT_ONCE_MAX, drain = new Drain() } = parts;
  const reads = new ConcurrencyLimit(readsAtOnceMax, () => new ApiError('OVERLOADED'));
  const app = fastify({
    loggerInstance: logger,
    // The request-log plugin writes one line per request instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: BODY_BYTES_MAX,
    // While stopping, requests on open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    frameworkErrors: sendError,
    clientErrorHandler: answerClientError,
    // A repeated parameter is an error, not a list. `verbose` adds the value, for the message (plugins/errors.ts).
    ajv: { customOptions: { coerceTypes: false, verbose: true } },
    // A child logger per request would cost more than the answer. Log lines carry the request id themselves.
    childLoggerFactory: (parent) => parent,
  });
  app.server.on('connect', refuseTunnel);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });

  // Used only by routes with large answers: small ones pay nothing, and events are never buffered.
  await app.register(fastifyCompress, { global: false, encodings: ['br', 'gzip'] });
  await app.register(movesConnections, { drain });
  await app.register(requestContext);
  await app.register(httpMetrics, { metrics });
  await app.register(rateLimit, { perSecond: rateLimitPerSecond });
  await app.register(authentication, { keys: parts.keys, clock });
  await app.register(requestLog);
  await app.register(errors);
  await app.register(documentation);
  const routeParts: RouteParts = { ...parts, clock, drain, reads, streamLimits };
  for (const routes of [dashboardRoutes, timeseriesRoutes, streamRoutes]) {
    await app.register(routes, routeParts);
  }
  if (!parts.managedElsewhere) await app.register(operationsRoutes, routeParts);
  await app.register(page);
  registerMetrics(metrics, { ...parts, reads });
  return app as unknown as FastifyInstance;
}
