import { hashApiKey, looksLikeApiKey } from '@calltally/store';
import fastifyAuth from '@fastify/auth';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { unavailable } from '../error-of.ts';
import { ApiError } from '../errors.ts';
import { bearerToken, invalidApiKey, otherUser } from '../keys/bearer.ts';
import type { KeyRing } from '../keys/key-ring.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key the request came with; empty until it is authenticated. */
    userId: string;
    /** How long that took. */
    authMs: number;
  }
  interface FastifyInstance {
    /** Hook of a route that needs an API key. */
    requireApiKey: onRequestHookHandler;
  }
}

/**
 * Failures that one address may have in a second. Guessing 256 bits is hopeless; this bounds what trying costs us.
 * A key that is known passes whatever its neighbours behind the same address do.
 */
const FAILURES_PER_SECOND_MAX = 50;

/** Authentication by Bearer API key; `keys` knows whose they are, `clock` gives epoch milliseconds. */
export const authentication = fp(
  async (app: FastifyInstance, { keys, clock }: { keys: KeyRing; clock: () => number }) => {
    await app.register(fastifyAuth);
    // The plugin remembers 5000 addresses and forgets the ones it heard of longest ago.
    const failures = app.createRateLimit({ max: FAILURES_PER_SECOND_MAX, timeWindow: 1_000 });

    const tooManyFailures = () =>
      new ApiError('TOO_MANY_FAILURES', 'Too many requests from here failed to authenticate.', {
        headers: { 'retry-after': '1' },
      });

    async function look(request: FastifyRequest, hash: string, nowMs: number): Promise<string> {
      const seen = await failures(request, { increment: false });
      if (!seen.isAllowed && seen.remaining === 0) throw tooManyFailures();
      const found = await keys.find(hash, nowMs).catch((thrown) => {
        throw unavailable(thrown);
      });
      if (found === undefined) throw invalidApiKey();
      return found;
    }

    // Strategies throw and never reply: a reply would stop the chain without ending it.
    async function verifyApiKey(request: FastifyRequest): Promise<void> {
      const begunMs = performance.now();
      try {
        const hash = hashOfKey(request);
        const nowMs = clock();
        request.userId = keys.known(hash, nowMs) ?? (await look(request, hash, nowMs));
      } catch (thrown) {
        if (thrown instanceof ApiError && thrown.status === 401) {
          const seen = await failures(request);
          if (!seen.isAllowed && seen.isExceeded) throw tooManyFailures();
        }
        throw thrown;
      }
      request.authMs = performance.now() - begunMs;
    }

    async function verifyOwnUser(request: FastifyRequest): Promise<void> {
      const { user_id } = request.query as { user_id?: unknown };
      // One given twice is left to the schema, which refuses it.
      if (typeof user_id === 'string' && user_id !== request.userId) throw otherUser();
    }

    app.decorateRequest('userId', '');
    app.decorateRequest('authMs', 0);
    // The relation is said aloud: the default is `or`, and any one strategy would do.
    app.decorate('requireApiKey', app.auth([verifyApiKey, verifyOwnUser], { relation: 'and' }));
  },
  { name: 'authentication', dependencies: ['@fastify/rate-limit'] },
);

function hashOfKey(request: FastifyRequest): string {
  const token = bearerToken(request.headers.authorization);
  if (!looksLikeApiKey(token)) throw invalidApiKey();
  return hashApiKey(token);
}
