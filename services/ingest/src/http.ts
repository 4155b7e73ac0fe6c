import { Gauge, type Registry } from '@calltally/telemetry';
import Fastify, { type FastifyInstance } from 'fastify';

/** Body of /readyz: whether events are being counted, and if not, what is missing. */
export interface Readiness {
  /** The process is a member of the consumer group. */
  joined: boolean;
  /** There is a current assignment epoch. */
  counting: boolean;
  partitions: number[];
  /** Held partitions; the others go on. */
  held: { partition: number; code: string }[];
  /** Masters of Redis, and the share of the users whose master is away: they wait, the others are counted. Known while counting. */
  redis?: { masters: number; masters_away: number; users_away: number };
}

interface HttpParts {
  registry: Registry;
  readiness: () => Readiness;
  /** What makes no progress although a fresh start might help. Default: nothing. */
  stuck?: () => readonly string[];
}

/** Serves /healthz (200 unless a fresh start might help), /readyz (counting) and /metrics (Prometheus). */
export function buildHttp(parts: HttpParts): FastifyInstance {
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
  const stuck = () => parts.stuck?.() ?? [];
  new Gauge({
    name: 'calltally_ingest_stuck',
    help: '1 for what makes no progress although Kafka, Mongo and Redis answer; no samples while all is well',
    labelNames: ['what'],
    registers: [parts.registry],
    collect() {
      this.reset();
      for (const what of stuck()) this.set({ what }, 1);
    },
  });
  app.get('/healthz', async (_, reply) => {
    const names = stuck();
    if (names.length === 0) return { status: 'ok' };
    return reply.code(503).send({ status: 'stuck', stuck: names });
  });
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
