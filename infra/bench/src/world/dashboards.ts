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

/** Many users with a dashboard each, the API as it is delivered, and whoever asks for them. */
export interface Dashboards {
  world: World;
  /** The calls of all users, the same each time. */
  calls: () => Iterable<Call>;
  userIds: string[];
  /** The key of the user at each place. */
  keys: string[];
  /** What Redis had in use before any user was counted. */
  emptyBytes: number;
  api: NodeProcess;
  load: LoadGenerator;
  /** File with the answer's body and the schema of the response, which the API documents, for references. */
  reference: string;
}

/** To be had by `bench.shared`: what it takes to make is spent once. */
export function dashboards(bench: Bench): Promise<Dashboards> {
  return dashboardsOf(bench, bench.size(100_000, 3_200));
}

/** A world of so many users, each of whom was asked for once. */
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
  bench.say('every key once, so that keys and sums are at hand …');
  await load.everyKeyOnce(api);
  const reference = await writeReference(bench, name, api, keys[0]!);
  return { world, calls, userIds, keys, emptyBytes, api, load, reference };
}

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
