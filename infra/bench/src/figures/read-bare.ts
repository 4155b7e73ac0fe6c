import { readAgainst, startReference } from './read-against.ts';

export const readBare = readAgainst(
  {
    name: 'read-bare',
    compares: 'dashboards, default window, against a Fastify route that sends the same body and asks nobody',
    atLeast: 0.7,
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
);
