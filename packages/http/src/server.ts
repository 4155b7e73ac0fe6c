import type { Logger } from '@calltally/telemetry';
import { type FastifyInstance, fastify, LogController } from 'fastify';
import type { SendError } from './errors.ts';
import { clientErrorHandler, tunnelRefuser } from './malformed-request.ts';
import { requestIdOf } from './request-context.ts';

const HEADERS_TIMEOUT_MS = 10_000;
/** Until the whole request has arrived. */
const REQUEST_TIMEOUT_MS = 15_000;
/** Longer than load balancers keep a connection, so that we never close one while a request arrives. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export interface ServerOptions {
  logger: Logger;
  /** As in `TRUST_PROXY`. */
  trustedProxies: readonly string[];
  /** Methods that any route answers. */
  methods: readonly string[];
  sendError: SendError;
  /** Of routes that have no limit of their own. */
  bodyMaxBytes: number;
}

/** A Fastify server with the limits of every service, and without a route. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { logger, trustedProxies, methods, sendError, bodyMaxBytes } = options;
  const app = fastify({
    loggerInstance: logger,
    // The request-log plugin writes one line per request instead of Fastify's two.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    bodyLimit: bodyMaxBytes,
    // While stopping, requests on open connections are still answered, with `Connection: close`.
    return503OnClosing: false,
    frameworkErrors: sendError,
    clientErrorHandler: clientErrorHandler(methods),
    // A repeated parameter is an error, not a list. `verbose` adds the value, for the message of an error.
    ajv: { customOptions: { coerceTypes: false, verbose: true } },
    // A child logger per request would cost more than the answer. Log lines carry the request id themselves.
    childLoggerFactory: (parent) => parent,
  });
  app.server.on('connect', tunnelRefuser(methods));
  return app as unknown as FastifyInstance;
}
