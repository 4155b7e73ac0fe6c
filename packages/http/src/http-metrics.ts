import { Histogram, type Registry } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyRequest {
    /** How long a stream took to begin; undefined for all other requests. */
    answeredMs: number | undefined;
  }
}

const BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Measures requests by method, route and status. Unmatched paths share one label, so that labels stay few. */
export const httpMetrics = fp(
  async (app: FastifyInstance, { metrics }: { metrics: Registry }) => {
    const durations = new Histogram({
      name: 'calltally_http_request_duration_seconds',
      help: 'Time from a request to its answer; of a stream, to its beginning',
      labelNames: ['method', 'route', 'status'],
      buckets: BUCKETS_S,
      registers: [metrics],
    });
    app.decorateRequest('answeredMs', undefined);
    const observers = new Map<string, { observe(seconds: number): void }>();
    app.addHook('onResponse', (request, reply, done) => {
      const route = request.routeOptions.url ?? 'none';
      const method = route === 'none' ? 'any' : request.method;
      const name = `${method} ${reply.statusCode} ${route}`;
      let observer = observers.get(name);
      if (observer === undefined) {
        observer = durations.labels(method, route, String(reply.statusCode));
        observers.set(name, observer);
      }
      observer.observe((request.answeredMs ?? reply.elapsedTime) / 1000);
      done();
    });
  },
  { name: 'http-metrics' },
);
