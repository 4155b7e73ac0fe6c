import { asyncApiDocument } from '@calltally/contract';
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
import fastifyCompress from '@fastify/compress';
import type { FastifyInstance } from 'fastify';
import { ByteBudget } from './byte-budget.ts';
import { IntakeMeasures } from './metrics.ts';
import type { AppParts, RouteParts } from './parts.ts';
import { authorization } from './plugins/authorization.ts';
import { rawBody } from './plugins/raw-body.ts';
import { CALLS_BODY_MAX_BYTES, callsRoutes } from './routes/calls.ts';
import { HOOK_BODY_MAX_BYTES, hooksRoutes } from './routes/hooks.ts';
import { operationsRoutes } from './routes/operations.ts';
import { tellError } from './tell-error.ts';

const METHODS = ['GET', 'HEAD', 'POST'];
const MIB = 1_048_576;
/** Each kind has its own bound, so that neither can shut the other out. */
const CALLS_BYTES_MAX = 64 * MIB;
const HOOKS_BYTES_MAX = 64 * MIB;

/** Assembles intake, without listening. Plugins are registered in order of dependence. */
export async function buildApp(parts: AppParts): Promise<FastifyInstance> {
  const { logger, metrics, clock = Date.now, trustedProxies = [], drain = new Drain() } = parts;
  const sendError = errorSender(tellError);
  const callsBudget = new ByteBudget(CALLS_BYTES_MAX, CALLS_BODY_MAX_BYTES);
  const hooksBudget = new ByteBudget(HOOKS_BYTES_MAX, HOOK_BODY_MAX_BYTES);
  const app = createServer({
    logger,
    trustedProxies,
    methods: METHODS,
    sendError,
    bodyMaxBytes: CALLS_BODY_MAX_BYTES,
  });

  // Used only by the documents.
  await app.register(fastifyCompress, {
    global: false,
    globalDecompression: false,
    encodings: ['br', 'gzip'],
  });
  await app.register(movesConnections, { drain });
  await app.register(requestContext);
  await app.register(httpMetrics, { metrics });
  await app.register(tracing);
  await app.register(authentication, { keys: parts.keys, clock });
  await app.register(authorization);
  await app.register(rawBody);
  await app.register(requestLog, {});
  await app.register(errors, { send: sendError });
  await app.register(documentation, {
    title: 'calltally intake',
    description: 'Takes completed calls by HTTP, from backends and from the webhooks of voice platforms.',
    tags: ['calls', 'hooks', 'operations'],
  });
  app.get('/asyncapi.json', { schema: { hide: true }, compress: {} }, async (_request, reply) => {
    reply.header('vary', 'accept-encoding');
    return asyncApiDocument({ topic: parts.topic, version: app.swagger().info.version });
  });
  const measures = new IntakeMeasures(metrics, { calls: callsBudget, hooks: hooksBudget });
  const routeParts: RouteParts = { ...parts, clock, drain, measures, callsBudget, hooksBudget };
  await app.register(callsRoutes, routeParts);
  await app.register(hooksRoutes, routeParts);
  if (!parts.managedElsewhere) await app.register(operationsRoutes, routeParts);
  return app;
}
