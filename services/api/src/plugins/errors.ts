import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { apiErrorOf } from '../error-of.ts';
import { ApiError } from '../errors.ts';
import { faultOf } from '../fault.ts';

/** Every refusal and every fault leaves through here, in one shape. */
export const errors = fp(
  async (app: FastifyInstance) => {
    app.setErrorHandler((thrown, request, reply) => sendError(thrown, request, reply));
    app.setNotFoundHandler((request) => {
      const path = request.url.split('?', 1)[0] ?? '';
      if (app.hasRoute({ method: 'GET', url: path })) {
        throw new ApiError('METHOD_NOT_ALLOWED', 'Only GET and HEAD are answered here.', {
          headers: { allow: 'GET, HEAD' },
        });
      }
      throw new ApiError('NOT_FOUND', 'There is nothing here. See /docs.');
    });
  },
  { name: 'errors', dependencies: ['request-log'] },
);

/** Answers a request with what its client may know of a fault; what is ours is logged. */
export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = apiErrorOf(thrown);
  request.errorCode = error.code;
  if (error.code === 'INTERNAL_ERROR') {
    request.server.log.error({ request_id: request.id, fault: faultOf(error.cause) }, 'a request failed');
  }
  // The status is always said: @fastify/auth has set 401 by now, whatever was thrown.
  return reply
    .code(error.status)
    .headers({ 'cache-control': 'private, no-store', ...error.headers })
    .type('application/json; charset=utf-8')
    .send(error.body);
}
