import { isTracing, RequestSpan } from '@calltally/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    span: RequestSpan | undefined;
  }
}

/** Probes and scrapes, which come every few seconds for ever. */
const NOT_TRACED = new Set(['/healthz', '/readyz', '/metrics']);

/** Records each request as a span, if the process records traces. Adds no hook otherwise. */
export const tracing = fp(
  async (app: FastifyInstance) => {
    app.decorateRequest('span', undefined);
    if (!isTracing()) return;
    app.addHook('onRequest', (request, reply, done) => {
      if (NOT_TRACED.has(request.routeOptions.url ?? '')) return done();
      request.span = RequestSpan.begin(request.method, request.headers);
      // Fastify runs onResponse only if there is one.
      reply.raw.once('close', () => endSpan(request, reply, undefined));
      request.span?.run(done);
    });
    // Once more: a body is read outside the request's context.
    app.addHook('preValidation', (request, _reply, done) => {
      if (request.span === undefined) done();
      else request.span.run(done);
    });
    app.addHook('onResponse', (request, reply, done) => {
      endSpan(request, reply, reply.statusCode);
      done();
    });
  },
  { name: 'tracing' },
);

/**
 * Ends the span of a request, unless it has ended: a stream does when it begins.
 * @param status undefined if the client went before it was answered
 */
export function endSpan(request: FastifyRequest, reply: FastifyReply, status: number | undefined): void {
  request.span?.end({
    method: request.method,
    route: request.routeOptions.url,
    status,
    durationMs: reply.elapsedTime,
    source: reply.getHeader('x-tally-source'),
  });
}
