import { readAgainst, startReference } from './read-against.ts';

export const readLimit = readAgainst(
  {
    name: 'read-limit',
    compares:
      'not the API but what the contract asks of every answer and nothing else, against the same as read-bare',
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
  (bench, { reference }) => startReference(bench, 'limit', { REFERENCE: reference }),
);
