import fastifyCors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyContextConfig {
    cors?: false;
  }
}

const ANALYTICS = '/analytics/';
const SENT = ['Authorization', 'Last-Event-ID', 'X-Request-Id', 'Cache-Control', 'Traceparent', 'Tracestate'];
const READ = [
  ...['X-Tally-As-Of', 'X-Tally-Source', 'X-Tally-Cells', 'X-Request-Id', 'Server-Timing'],
  ...['Retry-After', 'WWW-Authenticate', 'Content-Disposition'],
];
/** How long a browser remembers what it may send. Chromium takes no more. */
const PREFLIGHT_S = 7_200;

/**
 * Lets pages of other origins read the figures, and every error on the way to them (CORS). Never with cookies: a key or
 * token is in a header, which no other page can make a browser send. Other origins are answered as if this were not there.
 */
export const cors = fp(
  async (app: FastifyInstance, { origins }: { origins: readonly string[] }) => {
    const allowed = new Set(origins);
    app.addHook('onRoute', (route) => {
      const isOurs = route.url === '*' || route.url.startsWith(ANALYTICS);
      if (!isOurs) route.config = { ...route.config, cors: false };
    });
    await app.register(fastifyCors, {
      origin: (origin, answer) => answer(null, origin !== undefined && allowed.has(origin) ? origin : false),
      methods: ['GET', 'HEAD'],
      allowedHeaders: SENT,
      exposedHeaders: READ,
      maxAge: PREFLIGHT_S,
      strictPreflight: false,
    });
  },
  { name: 'cors', dependencies: ['request-context'] },
);
