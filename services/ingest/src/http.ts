import { Gauge, type Registry } from '@calltally/telemetry';
import Fastify, { type FastifyInstance } from 'fastify';

/** What /readyz tells: whether events are being counted, and if not, what is missing. */
export interface Readiness {
  /** This process is a member of the consumer group. */
  joined: boolean;
  /** Both stores and the topic answered when counting was last begun, and the session with Redis stands. */
  counting: boolean;
  partitions: number[];
  /** Partitions that do not go on, and why; the others do. */
  held: { partition: number; code: string }[];
}

/** Ingest's own endpoints: /healthz (alive), /readyz (counting), /metrics (Prometheus). */
export function buildHttp(parts: { registry: Registry; readiness: () => Readiness }): FastifyInstance {
  const app = Fastify({ logger: false });
  const isReady = ({ joined, counting }: Readiness) => joined && counting;
  new Gauge({
    name: 'calltally_ingest_ready',
    help: '1 while this process is a member of the consumer group and can count',
    registers: [parts.registry],
    collect() {
      this.set(isReady(parts.readiness()) ? 1 : 0);
    },
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_, reply) => {
    const readiness = parts.readiness();
    const ready = isReady(readiness);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'waiting', ...readiness });
  });
  app.get('/metrics', async (_, reply) => {
    return reply.type(parts.registry.contentType).send(await parts.registry.metrics());
  });
  return app;
}
