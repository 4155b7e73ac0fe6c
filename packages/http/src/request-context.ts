import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from './client-address.ts';
import { maskKeys } from './redaction.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address. Read at once, since a closed connection has none. */
    client: string;
  }
}

const LOGGABLE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const PROCESS = randomBytes(6).toString('hex');
let requests = 0;

/** The `X-Request-Id` of a client or proxy, where it is fit for a log; else a new id. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  if (typeof given === 'string' && LOGGABLE_ID.test(given) && maskKeys(given) === given) return given;
  requests += 1;
  return `${PROCESS}-${requests.toString(36)}`;
}

/** Gives each request its id and its client's address. */
export const requestContext = fp(
  async (app: FastifyInstance) => {
    app.decorateRequest('client', '');
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      request.client = clientOf(request);
      done();
    });
  },
  { name: 'request-context' },
);
