import { Client } from 'pg';

const QUERY_TIMEOUT_MS = 60_000;

/**
 * Runs one statement as user and in database `postgres` on 127.0.0.1, where everybody is trusted. Rejects with the
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
  client.on('error', () => {}); // a server that is killed meanwhile; the statement rejects
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => {});
  }
}
