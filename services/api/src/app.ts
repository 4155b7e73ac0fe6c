import {
  authentication,
  createServer,
  Drain,
  documentation,
  errorSender,
  errors,
  httpMetrics,
  movesConnections,
  requestContext,
  requestLog,
  tracing,
} from '@calltally/http';
import { ConcurrencyLimit } from '@calltally/ledger';
import fastifyCompress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './api-error.ts';
import { registerMetrics } from './metrics.ts';
import type { AppParts, RouteParts } from './parts.ts';
import { authorization } from './plugins/authorization.ts';
import { cors } from './plugins/cors.ts';
import { page } from './plugins/page.ts';
import { rateLimit } from './plugins/rate-limit.ts';
import { tokenAuthentication } from './plugins/token-authentication.ts';
import { breakdownRoutes } from './routes/breakdown.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { durationsRoutes } from './routes/durations.ts';
import { operationsRoutes } from './routes/operations.ts';
import { streamRoutes } from './routes/stream.ts';
import { timeseriesRoutes } from './routes/timeseries.ts';
import { STREAM_LIMITS } from './stream/connection-limit.ts';
import { tellError } from './tell-error.ts';

/** No route takes a body. */
const BODY_BYTES_MAX = 1_024;
const READS_AT_ONCE_MAX = 4_000;
const METHODS = ['GET', 'HEAD'];
/** Parameters that the log shows. */
const LOGGED = ['start_date', 'end_date', 'period', 'compare', 'time_zone'];

/** Assembles the API, without listening. Plugins are registered in order of dependence. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { logger, metrics, clock = Date.now, rateLimitPerSecond = 0, streamLimits = STREAM_LIMITS } = parts;
  const {
    tokens,
    origins = [],
    trustedProxies = [],
    readsAtOnceMax = READS_AT_ONCE_MAX,
    drain = new Drain(),
  } = parts;
  const sendError = errorSender(tellError);
  const reads = new ConcurrencyLimit(readsAtOnceMax, () => new ApiError('OVERLOADED'));
  const app = createServer({
    logger,
    trustedProxies,
    methods: METHODS,
    sendError,
    bodyMaxBytes: BODY_BYTES_MAX,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume();
    done(null);
  });

  // Used only by routes with large answers: small ones pay nothing, and events are never buffered.
  await app.register(fastifyCompress, { global: false, encodings: ['br', 'gzip'] });
  await app.register(movesConnections, { drain });
  await app.register(requestContext);
  // Before anything refuses a request, so that pages can read why.
  if (origins.length > 0) await app.register(cors, { origins });
  await app.register(httpMetrics, { metrics });
  await app.register(tracing);
  await app.register(authentication, { keys: parts.keys, clock });
  await app.register(rateLimit, { perSecond: rateLimitPerSecond });
  if (tokens) await app.register(tokenAuthentication, { tokens, clock });
  await app.register(authorization);
  await app.register(requestLog, { parameters: LOGGED });
  await app.register(errors, { send: sendError });
  await app.register(documentation, {
    title: 'calltally',
    description: 'How many calls a user made and how long they took: exact and immediate.',
    tags: ['analytics', 'operations'],
    credential:
      'An API key: `ct_` and 43 characters. Or a JSON Web Token, where the operator accepts tokens.',
  });
  const routeParts: RouteParts = { ...parts, clock, drain, reads, streamLimits };
  for (const routes of [dashboardRoutes, timeseriesRoutes, breakdownRoutes, durationsRoutes, streamRoutes]) {
    await app.register(routes, routeParts);
  }
  if (!parts.managedElsewhere) await app.register(operationsRoutes, routeParts);
  await app.register(page);
  registerMetrics(metrics, { ...parts, reads });
  return app;
}
