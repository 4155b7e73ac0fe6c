import { ID_RULE, isId } from '@calltally/domain';
import { verifyScope } from '@calltally/http';
import type {} from '@fastify/auth';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../api-error.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** The hook of a route that reads a user's figures. `request.userId` is whose. */
    requireReader: onRequestHookHandler;
  }
}

/** What a request needs to read figures: a credential that may, and a user whom it may name. */
export const authorization = fp(
  async (app: FastifyInstance) => {
    // One of the inner list, and all of the outer one. Of the inner list, a client is told the last error: where a token
    // is refused, verifyApiKey repeats why.
    const credentials = app.verifyToken ? [app.verifyToken, app.verifyApiKey] : [app.verifyApiKey];
    app.decorate(
      'requireReader',
      app.auth([credentials, verifyScope('read'), verifyUser], { relation: 'and' }),
    );
  },
  { name: 'authorization', dependencies: ['authentication'] },
);

function verifyUser(request: FastifyRequest, _: unknown, done: () => void): void {
  const { user_id } = request.query as { user_id?: unknown };
  if (request.credential!.userId === undefined) request.userId = userNamed(user_id);
  // The schema refuses a repeated one.
  else if (typeof user_id === 'string' && user_id !== request.userId) throw new ApiError('OTHER_USER');
  done();
}

/** Whom a request with a platform key is about. */
function userNamed(userId: unknown): string {
  if (isId(userId)) return userId;
  const what =
    userId === undefined ? 'is missing' : Array.isArray(userId) ? 'is given more than once' : 'is not an id';
  throw new ApiError('INVALID_PARAMETER', {
    message: `user_id ${what}. A platform key names the user in every request: ${ID_RULE}.`,
  });
}
