import type { Call } from '@calltally/domain';
import { Pool } from 'pg';
import type { Bench } from '../bench.ts';
import { postgres } from '../engines.ts';

/** The index includes the sums, so that no read has to visit the table. */
export const ROLLUP_TABLE = `create table rollup (
  user_id text, day int, calls bigint not null, duration_ms bigint not null,
  primary key (user_id, day) include (calls, duration_ms)
)`;

/** The index covers what a dashboard reads. */
const CALLS_TABLE = `
  create table calls (
    call_id text primary key, user_id text not null, started_at timestamptz not null,
    duration_ms bigint not null, direction text, status text
  );
  create index on calls (user_id, started_at) include (duration_ms)`;

/**
 * Runs once per statement, over all rows that it really inserted. Updates them in one order, so that concurrent inserts
 * cannot deadlock.
 */
const ROLLUP_TRIGGER = `
  create function count_calls() returns trigger language plpgsql as $$ begin
    insert into rollup
      select user_id, (started_at at time zone 'UTC')::date - date '1970-01-01', count(*), sum(duration_ms)
      from new_calls group by 1, 2 order by 1, 2
      on conflict (user_id, day) do update set
        calls = rollup.calls + excluded.calls, duration_ms = rollup.duration_ms + excluded.duration_ms;
    return null;
  end $$;
  create trigger count_calls after insert on calls
    referencing new table as new_calls for each statement execute function count_calls()`;

const INSERT = {
  name: 'insert',
  text: `insert into calls
    select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[])
    on conflict do nothing`,
};

/** Leaves existing calls unchanged, as ingest does. */
export async function insertCalls(pool: Pool, calls: readonly Call[]): Promise<void> {
  const values = [
    calls.map((call) => call.callId),
    calls.map((call) => call.userId),
    calls.map((call) => new Date(call.startedAt).toISOString()),
    calls.map((call) => call.durationMs),
    calls.map((call) => call.direction),
    calls.map((call) => call.status),
  ];
  await pool.query({ ...INSERT, values });
}

/** Creates a database on the run's PostgreSQL, with calls and optionally their rollup. */
export async function createDatabase(
  bench: Bench,
  name: string,
  { rollup }: { rollup: boolean },
): Promise<{ url: string; pool: Pool }> {
  const { address } = await bench.shared(postgres);
  const server = new Pool({ connectionString: address, max: 1 });
  await server.query(`create database ${name}`);
  await server.end();
  const url = new URL(name, address).href;
  const pool = new Pool({ connectionString: url });
  // If a run is interrupted, the server ends before the pool.
  pool.on('error', () => {});
  bench.atEnd(() => pool.end());
  await pool.query(CALLS_TABLE);
  if (rollup) await pool.query(`${ROLLUP_TABLE}; ${ROLLUP_TRIGGER}`);
  return { url, pool };
}
