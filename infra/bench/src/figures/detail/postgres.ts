import type { Call } from '@calltally/domain';
import { Pool } from 'pg';
import type { Bench } from '../../bench.ts';
import { postgres } from '../../engines.ts';
import { inParallel } from '../../in-parallel.ts';
import { type Asked, USER } from './ask.ts';

/** The index covers both questions. */
const TABLES = `
  create table calls (
    call_id text primary key, user_id text not null, started_at timestamptz not null, duration_ms bigint not null,
    agent_id text, direction text, status text
  );
  create index on calls (user_id, started_at) include (duration_ms, agent_id);
  create table rollup (
    user_id text, day int, agent_id text, direction text, status text, calls bigint not null, duration_ms bigint not null,
    primary key (user_id, day, agent_id, direction, status) include (calls, duration_ms)
  )`;

export const ROWS = `select agent_id, count(*)::float as calls, sum(duration_ms)::float as duration_ms from calls
  where user_id = $1 and started_at >= $2 and started_at < $3`;
export const ROLLUP = `select agent_id, sum(calls)::float as calls, sum(duration_ms)::float as duration_ms from rollup
  where user_id = $1 and day >= $2 and day < $3`;

export async function askPostgres(pool: Pool, sql: string, { agent }: Asked, range: unknown[]) {
  const filter = agent === undefined ? '' : ' and agent_id = $4';
  const { rows } = await pool.query({
    text: `${sql}${filter} group by agent_id`,
    values: [USER, ...range, ...(agent === undefined ? [] : [agent])],
  });
  return new Map<string, number>(rows.map((row) => [row.agent_id, row.calls]));
}

/** The rows, and a rollup by user, day and cell. */
export async function fillPostgres(bench: Bench, calls: readonly Call[]): Promise<Pool> {
  const { address } = await bench.shared(postgres);
  const server = new Pool({ connectionString: address, max: 1 });
  await server.query('create database detail');
  await server.end();
  const pool = new Pool({ connectionString: new URL('detail', address).href });
  // If a run is interrupted, the server ends before the pool.
  pool.on('error', () => {});
  bench.atEnd(() => pool.end());
  await pool.query(TABLES);
  await inParallel(calls, { size: 10_000, atOnce: 2 }, (piece) =>
    pool.query(
      `insert into calls select * from
        unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], $7::text[])`,
      [
        piece.map(({ callId }) => callId),
        piece.map(({ userId }) => userId),
        piece.map(({ startedAt }) => new Date(startedAt).toISOString()),
        piece.map(({ durationMs }) => durationMs),
        piece.map((call) => call.agentId),
        piece.map((call) => call.direction),
        piece.map((call) => call.status),
      ],
    ),
  );
  await pool.query(`insert into rollup
    select user_id, (started_at at time zone 'UTC')::date - date '1970-01-01', agent_id, direction, status,
      count(*), sum(duration_ms)
    from calls group by 1, 2, 3, 4, 5`);
  await pool.query('vacuum analyze');
  return pool;
}
