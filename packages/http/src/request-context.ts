import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { looksLikeApiKey } from '@calltally/store';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from './client-address.ts';
import { notFound } from './errors.ts';
import { commonError } from './http-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address. Read at once, since a closed connection has none. */
    client: string;
  }
}

const LOGGABLE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const PROCESS = randomBytes(6).toString('hex');
/** Node's default. */
const HEADERS_MAX = 2_000;
let requests = 0;

/** The `X-Request-Id` of a client or proxy, where it is fit for a log; else a new id. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  if (typeof given === 'string' && LOGGABLE_ID.test(given) && !looksLikeApiKey(given)) return given;
  requests += 1;
  return `${PROCESS}-${requests.toString(36)}`;
}

/** Gives each request its id and its client's address, and refuses what no route can answer. */
export const requestContext = fp(
  async (app: FastifyInstance) => {
    app.server.maxHeadersCount = HEADERS_MAX + 1;
    app.decorateRequest('client', '');
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      request.client = clientOf(request);
      // Node silently drops headers beyond its maximum; the key may be among them.
      if (request.raw.rawHeaders.length > 2 * HEADERS_MAX) throw commonError('BAD_REQUEST', { status: 431 });
      // `OPTIONS *` asks the server as a whole. Routing would take it for `/`.
      if (request.url.startsWith('*')) throw commonError('BAD_REQUEST');
      // Before Fastify refuses the request for its content type.
      if (request.is404) throw notFound(request);
      done();
    });
  },
  { name: 'request-context' },
);
