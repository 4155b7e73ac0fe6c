import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import type { NodeProcess } from '../node-process.ts';

/**
 * File with an answer's body and the schema of the response, which the API documents, for references.
 * @param name of the file
 */
export async function writeReference(
  bench: Bench,
  name: string,
  api: NodeProcess,
  key: string,
): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${api.url}/analytics/dashboard`, { headers });
  if (answer.headers.get('x-tally-source') !== 'counters') throw new Error('the counters are not warm');
  const openapi = (await (await fetch(`${api.url}/openapi.json`)).json()) as OpenApi;
  const { schema } = openapi.paths['/analytics/dashboard']!.get.responses['200'].content['application/json'];
  const file = join(bench.folder, `${name}-reference.json`);
  writeFileSync(file, JSON.stringify({ body: await answer.json(), schema }));
  return file;
}

interface OpenApi {
  paths: Record<
    string,
    { get: { responses: { '200': { content: { 'application/json': { schema: object } } } } } }
  >;
}

/** File that tells references which user a key belongs to. */
export function writeUsers(
  bench: Bench,
  name: string,
  keys: readonly string[],
  userIds: readonly string[],
): string {
  const file = join(bench.folder, `${name}-users.json`);
  writeFileSync(file, JSON.stringify(Object.fromEntries(keys.map((key, i) => [key, userIds[i]!]))));
  return file;
}
