import { bearerToken, type HttpError } from '@calltally/http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { hashToken, type Tokens } from '../tokens/tokens.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** A strategy of `app.auth`: the request has a valid token. Only with tokens. */
    verifyToken?: (
      request: FastifyRequest,
      _: unknown,
      done: (error?: Error) => void,
    ) => Promise<void> | undefined;
  }
}

/** Never sent: the strategy that comes next says what is wrong with anything else. */
const NO_TOKEN = new Error('no token');

/** Authentication by Bearer token; `clock` gives epoch milliseconds. */
export const tokenAuthentication = fp(
  async (app: FastifyInstance, { tokens, clock }: { tokens: Tokens; clock: () => number }) => {
    async function verify(
      request: FastifyRequest,
      text: string,
      hash: string,
      begunMs: number,
    ): Promise<void> {
      const token = await tokens
        .verify(text, hash, clock())
        .catch((error: HttpError) => app.refuse(request, error));
      app.letIn(request, token, begunMs);
    }

    // As with keys, a known token costs no promise.
    app.decorate('verifyToken', (request, _, done) => {
      const begunMs = performance.now();
      const text = bearerToken(request.headers.authorization);
      // No API key has a dot, and every token has two.
      if (text === undefined || !text.includes('.')) {
        done(NO_TOKEN);
        return undefined;
      }
      const hash = hashToken(text);
      const token = tokens.known(hash, clock());
      if (token === undefined) return verify(request, text, hash, begunMs);
      app.letIn(request, token, begunMs);
      done();
      return undefined;
    });
  },
  { name: 'token-authentication', dependencies: ['authentication'] },
);
