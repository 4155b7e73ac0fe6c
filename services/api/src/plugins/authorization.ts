// Types of `app.auth`, which the plugin `authentication` registers.
import type {} from '@fastify/auth';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../api-error.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The hook of a route that needs an API key. */
    requireApiKey: onRequestHookHandler;
  }
}

/** What a request needs to read figures: a key, and no other user in `user_id` than the key's. */
export const authorization = fp(
  async (app: FastifyInstance) => {
    // The default relation is `or`: any one strategy would do.
    app.decorate('requireApiKey', app.auth([app.verifyApiKey, verifyOwnUser], { relation: 'and' }));
  },
  { name: 'authorization', dependencies: ['authentication'] },
);

function verifyOwnUser(request: FastifyRequest, _: unknown, done: () => void): void {
  const { user_id } = request.query as { user_id?: unknown };
  // The schema refuses a repeated one.
  if (typeof user_id === 'string' && user_id !== request.userId) throw new ApiError('OTHER_USER');
  done();
}
