import { dayOf } from '@calltally/domain';
import { Client } from 'pg';
import type { Bench } from '../bench.ts';
import { postgres } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';
import { ROLLUP_TABLE } from '../references/postgres-tables.ts';
import type { Dashboards } from '../world/dashboards.ts';
import { writeUsers } from '../world/reference.ts';
import { readAgainst, startReference } from './read-against.ts';

const INSERT = 'insert into rollup select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])';

export const readPostgres = readAgainst(
  {
    name: 'read-postgres',
    compares: 'the same, against a Fastify route over a table of PostgreSQL with a row for each user and day',
    atLeast: 2.5,
  },
  async (bench, given) => {
    const { address } = await bench.shared(postgres);
    await fill(bench, address, given);
    return startReference(bench, 'postgres-rollup', {
      REFERENCE: given.reference,
      USERS: writeUsers(bench, 'dashboards', given.keys, given.userIds),
      POSTGRES_URL: address,
    });
  },
);

/** The same calls as those of the world; each user's are on days of their own, and so a row each. */
async function fill(bench: Bench, url: string, { calls }: Dashboards): Promise<void> {
  bench.say('the rollup table …');
  const client = new Client(url);
  await client.connect();
  try {
    await client.query(ROLLUP_TABLE);
    await inParallel(calls(), { size: 10_000, atOnce: 1 }, (piece) =>
      client.query(INSERT, [
        piece.map((call) => call.userId),
        piece.map((call) => dayOf(call.startedAt)),
        piece.map(() => 1),
        piece.map((call) => call.durationMs),
      ]),
    );
    await client.query('vacuum analyze rollup');
  } finally {
    await client.end();
  }
}
