import { hashApiKey, looksLikeApiKey } from '@calltally/store';
import fastifyAuth from '@fastify/auth';
import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import { ApiError, unavailable } from '../api-error.ts';
import { networkOf } from '../client-address.ts';
import type { ApiKeyCache } from '../keys/api-key-cache.ts';
import { bearerToken, invalidApiKey, missingApiKey, otherUser } from '../keys/bearer.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose key the request came with; empty until it is authenticated. */
    userId: string;
    /** What the key is known by. */
    keyHash: string;
    /** How long that took. */
    authMs: number;
  }
  interface FastifyInstance {
    /** Hook of a route that needs an API key. */
    requireApiKey: onRequestHookHandler;
  }
}

/**
 * Failures that one client may have in a second before it is told to wait. A key is looked up before that is said: one
 * that is valid passes, whatever its neighbours behind the same address do. What trying costs Mongo is bounded there,
 * since look-ups go together (packages/store/src/api-keys.ts).
 */
const FAILURES_PER_SECOND_MAX = 50;

/** Authentication by Bearer API key; `keys` knows whose they are, `clock` gives epoch milliseconds. */
export const authentication = fp(
  async (app: FastifyInstance, { keys, clock }: { keys: ApiKeyCache; clock: () => number }) => {
    await app.register(fastifyAuth);
    // The plugin remembers 5000 clients and forgets the ones it heard of longest ago.
    const failures = app.createRateLimit({
      max: FAILURES_PER_SECOND_MAX,
      timeWindow: 1_000,
      keyGenerator: (request) => networkOf(request.client),
    });

    const tooManyFailures = () =>
      new ApiError('TOO_MANY_FAILURES', 'Too many requests from here failed to authenticate.', {
        headers: { 'retry-after': '1' },
      });

    async function look(request: FastifyRequest, hash: string): Promise<void> {
      const found = await keys.find(hash, clock()).catch((thrown) => {
        throw unavailable(thrown);
      });
      if (found === undefined) throw await refusal(request, invalidApiKey());
      request.userId = found;
    }

    /** Counts a failure; after too many of them that is what the client is told. */
    async function refusal(request: FastifyRequest, error: ApiError): Promise<ApiError> {
      const seen = await failures(request);
      return !seen.isAllowed && seen.isExceeded ? tooManyFailures() : error;
    }

    // Strategies throw and never reply: a reply would stop the chain without ending it. For a key that is known nothing
    // is awaited.
    function verifyApiKey(request: FastifyRequest, _: unknown, done: () => void): Promise<void> | undefined {
      const begunMs = performance.now();
      const hash = hashOfKey(request);
      if (hash instanceof ApiError) {
        return refusal(request, hash).then((error) => Promise.reject(error));
      }
      request.keyHash = hash;
      const known = keys.known(hash, clock());
      if (known === undefined) {
        return look(request, hash).then(() => {
          request.authMs = performance.now() - begunMs;
        });
      }
      request.userId = known;
      request.authMs = performance.now() - begunMs;
      done();
      return undefined;
    }

    function verifyOwnUser(request: FastifyRequest, _: unknown, done: () => void): void {
      const { user_id } = request.query as { user_id?: unknown };
      // One given twice is left to the schema, which refuses it.
      if (typeof user_id === 'string' && user_id !== request.userId) throw otherUser();
      done();
    }

    app.decorateRequest('userId', '');
    app.decorateRequest('keyHash', '');
    app.decorateRequest('authMs', 0);
    // The relation is said aloud: the default is `or`, and any one strategy would do.
    app.decorate('requireApiKey', app.auth([verifyApiKey, verifyOwnUser], { relation: 'and' }));
  },
  { name: 'authentication', dependencies: ['@fastify/rate-limit', 'client'] },
);

/** The hash that the request's key is known by, or why it has none. */
function hashOfKey(request: FastifyRequest): string | ApiError {
  const token = bearerToken(request.headers.authorization);
  if (token === undefined) return missingApiKey();
  return looksLikeApiKey(token) ? hashApiKey(token) : invalidApiKey();
}
