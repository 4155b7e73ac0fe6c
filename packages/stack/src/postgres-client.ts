import { Client } from 'pg';

const QUERY_TIMEOUT_MS = 60_000;

/**
 * Runs one statement as user `postgres` in database `postgres` on 127.0.0.1, which needs no password. Rejects with the
 * server's message.
 */
export async function postgresQuery(port: number, sql: string): Promise<void> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: QUERY_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  client.on('error', () => {}); // if the server is killed; the statement rejects then
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}
