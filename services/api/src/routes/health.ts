import type { CountersLink } from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { FastifyInstance } from 'fastify';
import { HealthProbe } from '../health-probe.ts';
import { HealthSchema, ReadinessSchema } from '../schemas/health.ts';

export interface HealthParts {
  store: Pick<Store, 'ping'>;
  link: Pick<CountersLink, 'current'>;
}

/** `GET /healthz`: this process answers. `GET /readyz`: it can answer dashboards, from one store at least. */
export async function healthRoutes(app: FastifyInstance, { store, link }: HealthParts): Promise<void> {
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
}
