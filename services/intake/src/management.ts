import { type FastifyInstance, fastify } from 'fastify';
import type { RouteParts } from './parts.ts';
import { operationsRoutes } from './routes/operations.ts';

/** Serves only `/healthz`, `/readyz` and `/metrics`, for a port of their own, and logs no request. */
export async function buildManagement(
  parts: Pick<RouteParts, 'store' | 'sink' | 'keys' | 'metrics' | 'drain'>,
): Promise<FastifyInstance> {
  const app = fastify({ logger: false });
  await app.register(operationsRoutes, parts);
  return app;
}
