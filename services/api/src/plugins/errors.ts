import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError, badRequest, methodNotAllowed, toApiError } from '../api-error.ts';
import { toLoggedError } from '../logged-error.ts';

/** As many as Node itself reads unless told otherwise. */
const HEADERS_MAX = 2_000;

/** Every refusal and every fault leaves through here, in one shape. */
export const errors = fp(
  async (app: FastifyInstance) => {
    app.setErrorHandler((thrown, request, reply) => sendError(thrown, request, reply));
    app.server.maxHeadersCount = HEADERS_MAX + 1;
    app.addHook('onRequest', (request, _reply, done) => {
      // Node leaves out what is beyond its maximum and says nothing; perhaps that was the key.
      if (request.raw.rawHeaders.length > 2 * HEADERS_MAX) throw badRequest(431);
      // Asks for the server as a whole, and would be taken for the page.
      if (request.url.startsWith('*')) throw badRequest(400);
      // Before it is asked for the content type that some methods need.
      if (request.is404) throw notFound(app, request);
      done();
    });
    app.setNotFoundHandler((request) => {
      throw notFound(app, request);
    });
  },
  { name: 'errors', dependencies: ['request-log'] },
);

function notFound(app: FastifyInstance, request: FastifyRequest): ApiError {
  const path = request.url.split('?', 1)[0] ?? '';
  if (app.hasRoute({ method: 'GET', url: path })) return methodNotAllowed();
  return new ApiError('NOT_FOUND', 'There is nothing here. See /docs.');
}

/** Answers a request with what its client may know of a fault; what is ours is logged. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toApiError(thrown);
  request.errorCode = error.code;
  if (error.code === 'INTERNAL_ERROR') {
    request.server.log.error(
      { request_id: request.id, fault: toLoggedError(error.cause) },
      'a request failed',
    );
  }
  // The status is always said: @fastify/auth has set 401 by now, whatever was thrown.
  return reply
    .code(error.status)
    .headers({ 'cache-control': 'private, no-store', ...error.headers })
    .type('application/json; charset=utf-8')
    .send(error.body);
}
