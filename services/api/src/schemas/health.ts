import Type from 'typebox';

const state = (description: string) => Type.Enum(['up', 'down'], { description });

const HealthResponse = Type.Object(
  { status: Type.Literal('alive') },
  { description: 'The process answers. Says nothing about its dependencies.' },
);

const readiness = (status: 'ready' | 'unavailable', description: string) =>
  Type.Object(
    {
      status: Type.Literal(status),
      dependencies: Type.Object({
        redis: state('whether counters can be read'),
        mongo: state('whether rows can be read'),
      }),
    },
    { description },
  );

export const HealthSchema = {
  operationId: 'getHealth',
  summary: 'Alive',
  tags: ['operations'],
  response: { 200: HealthResponse },
};

export const ReadinessSchema = {
  operationId: 'getReadiness',
  summary: 'Ready to answer, with the state of each dependency',
  tags: ['operations'],
  response: {
    200: readiness('ready', 'Dashboards can be answered from Redis, Mongo or both.'),
    503: readiness('unavailable', 'Neither Redis nor Mongo answers.'),
  },
};
