import { API, NodeProcess } from '../node-process.ts';
import { readAgainst, startReference } from './read-against.ts';

export const readQuiet = readAgainst(
  {
    name: 'read-quiet',
    compares:
      'the API with LOG_LEVEL=warn, so without its line for each request, against the same as read-bare',
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
  async (bench, { world, load }) => {
    const api = await NodeProcess.start(bench, API, { ...world.environment, LOG_LEVEL: 'warn' });
    await load.everyKeyOnce(api);
    return api;
  },
);
