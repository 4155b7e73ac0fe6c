import type { FastifyInstance } from 'fastify';
import { HealthProbe } from '../health-probe.ts';
import type { RouteParts } from '../parts.ts';
import { HealthSchema, ReadinessSchema } from '../schemas/health.ts';

/** `GET /healthz`: the process answers. `GET /readyz`: it can read one store at least. `GET /metrics`: for Prometheus. */
export async function operationsRoutes(
  app: FastifyInstance,
  { store, link, metrics }: RouteParts,
): Promise<void> {
  const mongoProbe = new HealthProbe(store);

  app.get('/healthz', { schema: HealthSchema }, async () => ({ status: 'alive' }));

  app.get('/readyz', { schema: ReadinessSchema }, async (_request, reply) => {
    const mongo = await mongoProbe.isUp();
    const redis = link.current !== undefined;
    const ready = mongo || redis;
    return reply.code(ready ? 200 : 503).send({
      status: ready ? 'ready' : 'unavailable',
      dependencies: { redis: redis ? 'up' : 'down', mongo: mongo ? 'up' : 'down' },
    });
  });

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}
