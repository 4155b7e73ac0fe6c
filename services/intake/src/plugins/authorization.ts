import { verifyScope } from '@calltally/http';
import type {} from '@fastify/auth';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** The hook of a route that takes calls: a key with the scope `write`. */
    requireWriteKey: onRequestHookHandler;
  }
}

export const authorization = fp(
  async (app: FastifyInstance) => {
    // The default relation is `or`: any one strategy would do.
    app.decorate('requireWriteKey', app.auth([app.verifyApiKey, verifyScope('write')], { relation: 'and' }));
  },
  { name: 'authorization', dependencies: ['authentication'] },
);
