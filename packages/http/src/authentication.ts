import { hashApiKey, looksLikeApiKey } from '@calltally/store';
import fastifyAuth from '@fastify/auth';
import fastifyRateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { networkOf } from './client-address.ts';
import type { Credential } from './credential.ts';
import { commonError, type HttpError } from './http-error.ts';
import type { ApiKeyCache } from './keys/api-key-cache.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** How long authentication took. */
    authMs: number;
    /** Why the credential was refused. */
    refusal: HttpError | undefined;
  }
  interface FastifyInstance {
    /** A strategy of `app.auth`: the request has a valid API key. */
    verifyApiKey(request: FastifyRequest, _: unknown, done: () => void): Promise<void> | undefined;
    /** Lets a request in. @param begunMs when its authentication began, by `performance.now` */
    letIn(request: FastifyRequest, credential: Credential, begunMs: number): void;
    /** Rejects with the error, or with TOO_MANY_FAILURES if the client has sent too many that are not valid. */
    refuse(request: FastifyRequest, error: HttpError): Promise<never>;
  }
}

/**
 * Failures that a client may have in a second before it is told to wait. Only failures count, and a key is looked up
 * first: a valid key passes, whatever others behind the same address do. Batched look-ups bound what this costs Mongo
 * (packages/store/src/api-keys.ts).
 */
const FAILURES_PER_SECOND_MAX = 50;
const CREDENTIALS = /^bearer(?: +(.*))?$/i;

/**
 * Authentication by Bearer API key; `clock` gives epoch milliseconds. A service composes its hooks from `verifyApiKey`,
 * strategies for other credentials if it takes any, and `verifyScope`.
 */
export const authentication = fp(
  async (app: FastifyInstance, { keys, clock }: { keys: ApiKeyCache; clock: () => number }) => {
    await app.register(fastifyAuth);
    await app.register(fastifyRateLimit, { global: false });
    // Remembers 5 000 clients, and drops the least recently seen.
    const countFailure = app.createRateLimit({
      max: FAILURES_PER_SECOND_MAX,
      timeWindow: 1_000,
      keyGenerator: (request) => networkOf(request.client),
    });

    function letIn(request: FastifyRequest, credential: Credential, begunMs: number): void {
      request.credential = credential;
      request.userId = credential.userId ?? '';
      request.authMs = performance.now() - begunMs;
    }

    async function refuse(request: FastifyRequest, error: HttpError): Promise<never> {
      request.refusal = error;
      // What could not be checked is no failure of the client.
      const failures = error.status === 401 ? await countFailure(request) : undefined;
      if (failures && !failures.isAllowed && failures.isExceeded)
        request.refusal = commonError('TOO_MANY_FAILURES');
      throw request.refusal;
    }

    async function lookUp(request: FastifyRequest, hash: string, begunMs: number): Promise<void> {
      const key = await keys
        .find(hash, clock())
        .catch((cause) => refuse(request, commonError('UNAVAILABLE', { cause })));
      if (key === undefined) return refuse(request, commonError('INVALID_API_KEY'));
      letIn(request, key, begunMs);
    }

    // Strategies throw and never reply: a reply would stop the chain without ending it. A known key costs no promise.
    function verifyApiKey(request: FastifyRequest, _: unknown, done: () => void): Promise<void> | undefined {
      // After a strategy that refused another credential. `or` would report only the last refusal.
      if (request.refusal !== undefined) throw request.refusal;
      const begunMs = performance.now();
      const token = bearerToken(request.headers.authorization);
      if (token === undefined) return refuse(request, commonError('MISSING_API_KEY'));
      if (!looksLikeApiKey(token)) return refuse(request, commonError('INVALID_API_KEY'));
      const hash = hashApiKey(token);
      const key = keys.known(hash, clock());
      if (key === undefined) return lookUp(request, hash, begunMs);
      letIn(request, key, begunMs);
      done();
      return undefined;
    }

    app.decorateRequest('credential', undefined);
    app.decorateRequest('userId', '');
    app.decorateRequest('authMs', 0);
    app.decorateRequest('refusal', undefined);
    app.decorate('letIn', letIn);
    app.decorate('refuse', refuse);
    app.decorate('verifyApiKey', verifyApiKey);
  },
  { name: 'authentication', dependencies: ['request-context'] },
);

/** The Bearer credential of an `Authorization` header; undefined if it is missing, empty or of another scheme. */
export function bearerToken(header: string | undefined): string | undefined {
  // The usual spelling, without a regular expression.
  if (header?.startsWith('Bearer ct_')) return header.slice(7);
  return CREDENTIALS.exec(header ?? '')?.[1] || undefined;
}
