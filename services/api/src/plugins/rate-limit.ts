// Types of `app.rateLimit`, which the plugin `authentication` registers.
import type {} from '@fastify/rate-limit';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../api-error.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Hooks of a route with the per-user limit, to run after authentication; none without a limit. */
    userLimit: onRequestHookHandler[];
  }
}

const USERS_MAX = 100_000;

/** Limits each user to so many requests a second in this process; 0 is no limit. */
export const rateLimit = fp(
  async (app: FastifyInstance, { perSecond }: { perSecond: number }) => {
    const hook = () =>
      app.rateLimit({
        max: perSecond,
        timeWindow: 1_000,
        cache: USERS_MAX,
        keyGenerator: (request) => request.userId,
        errorResponseBuilder: () =>
          new ApiError('RATE_LIMITED', { message: `At most ${perSecond} requests a second.` }),
      }) as onRequestHookHandler;
    app.decorate('userLimit', perSecond > 0 ? [hook()] : []);
  },
  { name: 'rate-limit', dependencies: ['authentication'] },
);
