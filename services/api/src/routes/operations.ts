import { HealthProbe } from '@calltally/http';
import type {} from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { RouteParts } from '../parts.ts';

const state = (description: string) => Type.Enum(['up', 'down'], { description });

const RedisReach = Type.Object(
  {
    masters: Type.Integer({ description: 'Masters of the Redis Cluster; 1 without a cluster.' }),
    masters_away: Type.Integer({ description: 'Masters that cannot be read now.' }),
    users_away: Type.Number({
      description: 'Share of the users whose master is away, from 0 to 1. They are answered from Mongo.',
      minimum: 0,
      maximum: 1,
    }),
  },
  { description: 'For whom counters can be read. Absent if Redis is down.' },
);

const HealthResponse = Type.Object(
  { status: Type.Literal('alive') },
  { description: 'The process answers. Says nothing about its dependencies.' },
);

const readiness = (statuses: readonly string[], description: string) =>
  Type.Object(
    {
      status: Type.Enum(statuses),
      dependencies: Type.Object({
        redis: state('whether counters can be read'),
        mongo: state('whether rows can be read'),
      }),
      redis: Type.Optional(RedisReach),
    },
    { description },
  );

const HealthSchema = {
  operationId: 'getHealth',
  summary: 'Alive',
  tags: ['operations'],
  response: { 200: HealthResponse },
};

const ReadinessSchema = {
  operationId: 'getReadiness',
  summary: 'Ready to answer, with the state of each dependency',
  tags: ['operations'],
  response: {
    200: readiness(['ready'], 'Dashboards can be answered from Redis, Mongo or both.'),
    503: readiness(
      ['unavailable', 'draining'],
      'Send no requests here: neither Redis nor Mongo answers, or the process is about to end.',
    ),
  },
};

/**
 * `GET /healthz`: the process answers. `GET /readyz`: it can read one store at least, and is not about to end.
 * `GET /metrics`: for Prometheus.
 */
export async function operationsRoutes(
  app: FastifyInstance,
  { store, link, metrics, drain }: Pick<RouteParts, 'store' | 'link' | 'metrics' | 'drain'>,
): Promise<void> {
  const mongoProbe = new HealthProbe(store);

  app.get('/healthz', { schema: HealthSchema }, async () => ({ status: 'alive' }));

  app.get('/readyz', { schema: ReadinessSchema }, async (_request, reply) => {
    const mongo = await mongoProbe.isUp();
    const { reach } = link;
    let status = mongo || reach ? 'ready' : 'unavailable';
    if (drain.hasBegun) status = 'draining';
    return reply.code(status === 'ready' ? 200 : 503).send({
      status,
      dependencies: { redis: reach ? 'up' : 'down', mongo: mongo ? 'up' : 'down' },
      ...(reach && {
        redis: { masters: reach.masters, masters_away: reach.mastersAway, users_away: reach.usersAway },
      }),
    });
  });

  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    reply.type(metrics.contentType);
    return metrics.metrics();
  });
}
