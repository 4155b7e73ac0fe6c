import { Pool } from 'pg';
import type { Bench } from '../bench.ts';
import { postgres } from '../engines.ts';
import { CALLS_TABLE, ROLLUP_TABLE, ROLLUP_TRIGGER } from '../references/postgres-tables.ts';

/** A database of its own on the run's PostgreSQL, with calls and, if wanted, their rollup. */
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
  // The server is ended before the pool where a run is interrupted.
  pool.on('error', () => {});
  bench.atEnd(() => pool.end());
  await pool.query(CALLS_TABLE);
  if (rollup) await pool.query(`${ROLLUP_TABLE}; ${ROLLUP_TRIGGER}`);
  return { url, pool };
}
