import { hash, randomBytes } from 'node:crypto';
import { keyOf, reference, serve } from './serve.ts';

/** Does what the contract asks of every answer, in the simplest way. Uses no store, keeps no metrics, logs nothing. */
await serve(
  async () => reference.body,
  (app) => {
    const process = randomBytes(6).toString('hex');
    const users = new Map<string, string>();
    let requests = 0;
    let lastMs = 0;
    app.addHook('onRequest', (request, reply, done) => {
      if (request.url !== '/analytics/dashboard') return done();
      const beganMs = performance.now();
      const hashed = hash('sha256', keyOf(request));
      // Lets everybody in: only the cost of the lookup matters here.
      if (!users.has(hashed)) users.set(hashed, hashed);
      const tookMs = Math.round((performance.now() - beganMs) * 100) / 100;
      requests += 1;
      reply.header('x-request-id', `${process}-${requests.toString(36)}`);
      reply.header('cache-control', 'private, no-store');
      reply.header('x-tally-source', 'counters');
      reply.header('x-tally-as-of', '2026-03-01T00:00:00.250Z');
      reply.header('server-timing', `auth;dur=${tookMs}, read;dur=${lastMs}`);
      done();
    });
    // The API must know when an answer was sent, and how long it took.
    app.addHook('onResponse', (_request, reply, done) => {
      lastMs = Math.round(reply.elapsedTime * 100) / 100;
      done();
    });
  },
);
