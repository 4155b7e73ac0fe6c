import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError } from '../api-error.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Hooks of a route that counts against a user's limit, to stand behind authentication; none without a limit. */
    userLimit: onRequestHookHandler[];
  }
}

const USERS_MAX = 100_000;

/** At most so many requests a user and second in this process; 0 is no limit. */
export const rateLimit = fp(
  async (app: FastifyInstance, { perSecond }: { perSecond: number }) => {
    await app.register(fastifyRateLimit, { global: false });
    const hook = () =>
      app.rateLimit({
        max: perSecond,
        timeWindow: 1_000,
        cache: USERS_MAX,
        keyGenerator: (request) => request.userId,
        errorResponseBuilder: () =>
          new ApiError('RATE_LIMITED', `At most ${perSecond} requests a second.`, {
            headers: { 'retry-after': '1' },
          }),
      }) as onRequestHookHandler;
    app.decorate('userLimit', perSecond > 0 ? [hook()] : []);
  },
  { name: 'rate-limit' },
);
