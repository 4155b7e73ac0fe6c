import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { commonError, HttpError, methodNotAllowed } from './http-error.ts';
import { toLoggedError } from './redaction.ts';

/** The error that a client is told for one that only this service knows; undefined for any other. */
export type TellError = (thrown: unknown) => HttpError | undefined;

/** Node's default. */
const HEADERS_MAX = 2_000;

export type SendError = (thrown: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/** Refuses what no route can answer, and sends every error through `send`. */
export const errors = fp(
  async (app: FastifyInstance, { send }: { send: SendError }) => {
    app.server.maxHeadersCount = HEADERS_MAX + 1;
    app.addHook('onRequest', (request, _, done) => {
      // Node silently drops headers beyond its maximum; the key may be among them.
      if (request.raw.rawHeaders.length > 2 * HEADERS_MAX) throw commonError('BAD_REQUEST', { status: 431 });
      // `OPTIONS *` asks the server as a whole. Routing would take it for `/`.
      if (request.url.startsWith('*')) throw commonError('BAD_REQUEST');
      // Before Fastify refuses the request for its content type.
      if (request.is404) throw notFound(request);
      done();
    });
    app.setErrorHandler(send);
    app.setNotFoundHandler((request) => {
      throw notFound(request);
    });
  },
  { name: 'errors', dependencies: ['request-log'] },
);

/** Answers with what the client may know of an error, and logs what is our fault. */
export function errorSender(tell: TellError): SendError {
  return (thrown, request, reply) => {
    const error = toHttpError(thrown, tell);
    request.errorCode = error.code;
    if (error.code === 'INTERNAL_ERROR') {
      request.server.log.error(
        { request_id: request.id, trace_id: request.span?.traceId, fault: toLoggedError(error.cause) },
        'request failed',
      );
    }
    // Always set the status: @fastify/auth has set 401 by now, whatever was thrown.
    return reply
      .code(error.status)
      .headers({ 'cache-control': 'private, no-store', ...error.headers })
      .type('application/json; charset=utf-8')
      .send(error.body);
  };
}

/** The error of a request that matches no route. */
export function notFound({ server, url }: FastifyRequest): HttpError {
  const path = url.split('?', 1)[0] ?? '';
  const allowed = (['GET', 'HEAD', 'POST'] as const).filter((method) =>
    server.hasRoute({ method, url: path }),
  );
  return allowed.length > 0 ? methodNotAllowed(allowed) : commonError('NOT_FOUND');
}

function toHttpError(thrown: unknown, tell: TellError): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const told = tell(thrown);
  if (told !== undefined) return told;
  const { statusCode: status } = (thrown ?? {}) as Partial<FastifyError>;
  if (status !== undefined && status >= 400 && status < 500) return commonError('BAD_REQUEST', { status });
  return commonError('INTERNAL_ERROR', { cause: thrown });
}
