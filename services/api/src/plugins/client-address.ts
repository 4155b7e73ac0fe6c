import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from '../client-address.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Address of who asks, read while they are there: of a connection that is no more nobody can tell it. */
    client: string;
  }
}

export const client = fp(
  async (app: FastifyInstance) => {
    app.decorateRequest('client', '');
    app.addHook('onRequest', (request, _reply, done) => {
      request.client = clientOf(request);
      done();
    });
  },
  { name: 'client' },
);
