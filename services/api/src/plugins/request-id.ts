import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { looksLikeApiKey } from '@calltally/store';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

const SANE = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const PROCESS = randomBytes(6).toString('hex');
let requests = 0;

/** The id that the client or a proxy gave the request, where it is fit for a log; else one of our own. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  if (typeof given === 'string' && SANE.test(given) && !looksLikeApiKey(given)) return given;
  requests += 1;
  return `${PROCESS}-${requests.toString(36)}`;
}

/** Returns the request's id with every answer. */
export const requestId = fp(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, reply, done) => {
      reply.header('x-request-id', request.id);
      done();
    });
  },
  { name: 'request-id' },
);
