import type { Registry } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';

/** `GET /metrics`, for Prometheus. */
export async function metricsRoutes(app: FastifyInstance, { metrics }: { metrics: Registry }): Promise<void> {
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}
