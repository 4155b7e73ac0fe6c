import type { DashboardData } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { Client } from '../client.ts';
import { startReference } from '../figures/read.ts';
import { inParallel } from '../in-parallel.ts';
import type { NodeProcess } from '../processes.ts';
import { createDatabase, insertCalls } from '../references/postgres-tables.ts';
import { writeReference, writeUsers } from '../world/dashboards.ts';
import type { SizedUser, UsersBySize } from '../world/users-by-size.ts';
import type { AlternativeName } from './lines.ts';

/** A server that answers dashboards. */
export interface Contestant {
  name: AlternativeName | 'ours';
  server: NodeProcess;
  ask(user: SizedUser, query: Record<string, string>): Promise<{ tookMs: number; data: DashboardData }>;
}

/** The API and all alternatives, with the same calls. */
export async function startContestants(bench: Bench, given: UsersBySize): Promise<Contestant[]> {
  const { api, users, world } = given;
  const env = {
    REFERENCE: await writeReference(bench, 'alternatives', api, users[0]!.key),
    USERS: writeUsers(
      bench,
      'alternatives',
      users.map(({ key }) => key),
      users.map(({ userId }) => userId),
    ),
    MONGODB_URI: world.mongoUri,
    POSTGRES_URL: await fillPostgres(bench, given),
  };
  return [
    contestant(bench, 'ours', api),
    contestant(bench, 'mongo', await startReference(bench, 'mongo-rows', { ...env, WAY: 'one-pass' })),
    contestant(bench, 'mongo', await startReference(bench, 'mongo-rows', { ...env, WAY: 'parallel' })),
    contestant(bench, 'postgres', await startReference(bench, 'postgres-rows', env)),
    contestant(bench, 'postgres-rollup', await startReference(bench, 'postgres-rollup', env)),
  ];
}

function contestant(bench: Bench, name: Contestant['name'], server: NodeProcess): Contestant {
  const client = new Client(server.url);
  bench.atEnd(() => client.close());
  return {
    name,
    server,
    async ask({ key }, query) {
      const { tookMs, text } = await client.ask(key, queryText(query));
      return { tookMs, data: JSON.parse(text).data };
    },
  };
}

/** Empty, or with its question mark. */
export function queryText(query: Record<string, string>): string {
  const text = new URLSearchParams(query).toString();
  return text === '' ? '' : `?${text}`;
}

async function fillPostgres(bench: Bench, { calls }: UsersBySize): Promise<string> {
  bench.say('the same calls in PostgreSQL …');
  const { url, pool } = await createDatabase(bench, 'alternatives', { rollup: true });
  await inParallel(calls(), { size: 10_000, atOnce: 2 }, (piece) => insertCalls(pool, piece));
  await pool.query('vacuum analyze');
  return url;
}
