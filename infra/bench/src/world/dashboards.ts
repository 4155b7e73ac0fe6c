import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Call } from '@calltally/domain';
import { DAY_MS } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { LoadGenerator } from '../load/load-generator.ts';
import { API, NodeProcess } from '../processes.ts';
import { spreadCalls, userIdsUpTo, World } from './world.ts';

const CALLS_A_USER = 10;
const DAYS = 28;

/** Many users with a dashboard each, the API in production mode, and a load generator. */
export interface Dashboards {
  world: World;
  /** The calls of all users, the same in every run. */
  calls: () => Iterable<Call>;
  userIds: string[];
  /** The keys, by the user's index. */
  keys: string[];
  /** Memory that Redis used before any user was counted. */
  emptyBytes: number;
  api: NodeProcess;
  load: LoadGenerator;
  /** For references: a file with the body of an answer and the response schema from the API's OpenAPI document. */
  reference: string;
}

/** For `bench.shared`, so that it is built only once. */
export function dashboards(bench: Bench): Promise<Dashboards> {
  return dashboardsOf(bench, bench.size(100_000, 3_200));
}

/** A world of so many users. Each dashboard was requested once. */
export async function dashboardsOf(bench: Bench, users: number): Promise<Dashboards> {
  const until = Date.now();
  const userIds = userIdsUpTo(users);
  const calls = () => spreadCalls(userIds, CALLS_A_USER, { from: until - DAYS * DAY_MS, until });
  bench.say(`${users} users with ${CALLS_A_USER} calls each …`);
  const name = `dashboards_${users}`;
  const world = await World.start(bench, name);
  await world.insert(calls());
  const emptyBytes = await world.redisBytes();
  await world.count(userIds);
  const keys = await world.createKeys(userIds);
  const load = new LoadGenerator(bench, name, keys);
  const api = await NodeProcess.start(bench, API, world.environment);
  bench.say('each key once, to warm up keys and sums …');
  await load.everyKeyOnce(api);
  const reference = await writeReference(bench, name, api, keys[0]!);
  return { world, calls, userIds, keys, emptyBytes, api, load, reference };
}

/**
 * Writes a file with the body of an answer and the response schema from the API's OpenAPI document, for references.
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

/** Writes a file that maps keys to users, for references. */
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
