import { type DashboardData, dashboardData, parseDateRange } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { Client } from '../client.ts';
import { startReference } from '../figures/read.ts';
import { inParallel } from '../in-parallel.ts';
import type { NodeProcess } from '../processes.ts';
import { askedFor } from '../references/asked.ts';
import { createDatabase, insertCalls } from '../references/postgres-tables.ts';
import { writeReference, writeUsers } from '../world/dashboards.ts';
import type { SizedUser, UsersBySize } from '../world/users-by-size.ts';
import { clickHouse } from './clickhouse.ts';
import type { AlternativeName } from './names.ts';

const CLICKHOUSE_CALLS_AT_ONCE = 100_000;

/** Whoever answers dashboards. */
export interface Contestant {
  name: AlternativeName | 'ours';
  /** Absent where it is asked without HTTP. */
  server?: NodeProcess;
  ask(user: SizedUser, query: Record<string, string>): Promise<{ tookMs: number; data: DashboardData }>;
}

/** The API and all others, which hold the same calls. */
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
  const clickhouse = await startClickHouse(bench, given);
  return [
    overHttp(bench, 'ours', api),
    overHttp(bench, 'mongo', await startReference(bench, 'mongo-rows', { ...env, WAY: 'one-pass' })),
    overHttp(bench, 'mongo', await startReference(bench, 'mongo-rows', { ...env, WAY: 'parallel' })),
    overHttp(bench, 'postgres', await startReference(bench, 'postgres-rows', env)),
    overHttp(bench, 'postgres-rollup', await startReference(bench, 'postgres-rollup', env)),
    ...(clickhouse === undefined ? [] : [clickhouse]),
  ];
}

function overHttp(bench: Bench, name: Contestant['name'], server: NodeProcess): Contestant {
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

/** What it takes to ask it, or to make the answer of what it says, is not measured: the query alone is. */
async function startClickHouse(bench: Bench, { calls }: UsersBySize): Promise<Contestant | undefined> {
  const clickhouse = await bench.shared(clickHouse);
  if (clickhouse === undefined) return undefined;
  bench.say('the same calls in ClickHouse …');
  const database = 'alternatives';
  await clickhouse.createTables(database);
  await inParallel(calls(), { size: CLICKHOUSE_CALLS_AT_ONCE, atOnce: 1 }, (piece) =>
    clickhouse.insert(database, piece),
  );
  // As it would be in the end, when all parts of the table have been merged.
  await clickhouse.run(`optimize table ${database}.rollup final`);
  return {
    name: 'clickhouse',
    async ask({ userId }, query) {
      const nowMs = Date.now();
      const range = parseDateRange(query, nowMs);
      const { tookMs, tallies } = await clickhouse.sums(database, askedFor(userId, range, nowMs));
      return { tookMs, data: dashboardData(tallies, range) };
    },
  };
}
