import { HealthProbe } from '@calltally/http';
import type {} from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { RouteParts } from '../parts.ts';

const state = (description: string) => Type.Enum(['up', 'down'], { description });

const HealthSchema = {
  operationId: 'getHealth',
  summary: 'Alive',
  tags: ['operations'],
  response: {
    200: Type.Object(
      { status: Type.Literal('alive') },
      { description: 'The process answers. Says nothing about its dependencies.' },
    ),
  },
};

const readiness = (statuses: readonly string[], description: string) =>
  Type.Object(
    {
      status: Type.Enum(statuses),
      dependencies: Type.Object({
        kafka: state('whether events can be written'),
        mongo: state('whether keys and hooks can be looked up; those in use are remembered'),
      }),
    },
    { description },
  );

const ReadinessSchema = {
  operationId: 'getReadiness',
  summary: 'Ready to take calls, with the state of each dependency',
  tags: ['operations'],
  response: {
    200: readiness(['ready'], 'Calls can be taken.'),
    503: readiness(
      ['unavailable', 'draining'],
      'Send no requests here: Kafka does not take events, Mongo is away and no key is remembered, or the process is about to end.',
    ),
  },
};

/** `GET /healthz`: the process answers. `GET /readyz`: it can take calls, and is not about to end. `GET /metrics`: for Prometheus. */
export async function operationsRoutes(
  app: FastifyInstance,
  { store, sink, keys, metrics, drain }: Pick<RouteParts, 'store' | 'sink' | 'keys' | 'metrics' | 'drain'>,
): Promise<void> {
  const mongoProbe = new HealthProbe(store);
  const kafkaProbe = new HealthProbe(sink);

  app.get('/healthz', { schema: HealthSchema }, async () => ({ status: 'alive' }));

  app.get('/readyz', { schema: ReadinessSchema }, async (_request, reply) => {
    const [kafka, mongo] = await Promise.all([kafkaProbe.isUp(), mongoProbe.isUp()]);
    let status = kafka && (mongo || keys.size > 0) ? 'ready' : 'unavailable';
    if (drain.hasBegun) status = 'draining';
    return reply.code(status === 'ready' ? 200 : 503).send({
      status,
      dependencies: { kafka: kafka ? 'up' : 'down', mongo: mongo ? 'up' : 'down' },
    });
  });

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}
