import { hashApiKey, looksLikeApiKey } from '@calltally/store';
import fastifyAuth from '@fastify/auth';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { networkOf } from './client-address.ts';
import { commonError, type HttpError } from './http-error.ts';
import type { ApiKeyCache } from './keys/api-key-cache.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The user of the API key; empty before authentication. */
    userId: string;
    keyHash: string;
    /** How long authentication took. */
    authMs: number;
  }
  interface FastifyInstance {
    /** A strategy of `app.auth`: the request has a valid API key. */
    verifyApiKey(request: FastifyRequest, _: unknown, done: () => void): Promise<void> | undefined;
  }
}

/**
 * Failures that a client may have in a second before it is told to wait. Only failures count, and a key is looked up
 * first: a valid key passes, whatever others behind the same address do. Batched look-ups bound what this costs Mongo
 * (packages/store/src/api-keys.ts).
 */
const FAILURES_PER_SECOND_MAX = 50;
const CREDENTIALS = /^bearer(?: +(.*))?$/i;

/** Authentication by Bearer API key; `clock` gives epoch milliseconds. */
export const authentication = fp(
  async (app: FastifyInstance, { keys, clock }: { keys: ApiKeyCache; clock: () => number }) => {
    await app.register(fastifyAuth);
    // Remembers 5 000 clients, and drops the least recently seen.
    const countFailure = app.createRateLimit({
      max: FAILURES_PER_SECOND_MAX,
      timeWindow: 1_000,
      keyGenerator: (request) => networkOf(request.client),
    });

    async function refuse(request: FastifyRequest, error: HttpError): Promise<never> {
      const failures = await countFailure(request);
      if (!failures.isAllowed && failures.isExceeded) throw commonError('TOO_MANY_FAILURES');
      throw error;
    }

    async function lookUp(request: FastifyRequest, hash: string, begunMs: number): Promise<void> {
      const userId = await keys.find(hash, clock()).catch((cause) => {
        throw commonError('UNAVAILABLE', { cause });
      });
      if (userId === undefined) return refuse(request, commonError('INVALID_API_KEY'));
      request.userId = userId;
      request.authMs = performance.now() - begunMs;
    }

    // Strategies throw and never reply: a reply would stop the chain without ending it. A known key costs no promise.
    function verifyApiKey(request: FastifyRequest, _: unknown, done: () => void): Promise<void> | undefined {
      const begunMs = performance.now();
      const token = bearerToken(request.headers.authorization);
      if (token === undefined) return refuse(request, commonError('MISSING_API_KEY'));
      if (!looksLikeApiKey(token)) return refuse(request, commonError('INVALID_API_KEY'));
      const hash = hashApiKey(token);
      request.keyHash = hash;
      const userId = keys.known(hash, clock());
      if (userId === undefined) return lookUp(request, hash, begunMs);
      request.userId = userId;
      request.authMs = performance.now() - begunMs;
      done();
      return undefined;
    }

    app.decorateRequest('userId', '');
    app.decorateRequest('keyHash', '');
    app.decorateRequest('authMs', 0);
    app.decorate('verifyApiKey', verifyApiKey);
  },
  { name: 'authentication', dependencies: ['@fastify/rate-limit', 'request-context'] },
);

/** The token of an `Authorization` header; undefined if it is missing, empty or of another scheme. */
function bearerToken(header: string | undefined): string | undefined {
  // The usual spelling, without a regular expression.
  if (header?.startsWith('Bearer ct_')) return header.slice(7);
  return CREDENTIALS.exec(header ?? '')?.[1] || undefined;
}
