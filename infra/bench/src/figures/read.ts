import { fileURLToPath } from 'node:url';
import { dayOf } from '@calltally/domain';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { Bench } from '../bench.ts';
import { freshRedis, postgres } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';
import { API, NodeProcess } from '../processes.ts';
import { ROLLUP_TABLE } from '../references/postgres-tables.ts';
import type { Figure, Line } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { type Dashboards, dashboards, writeUsers } from '../world/dashboards.ts';

type Start = (bench: Bench, given: Dashboards) => Promise<NodeProcess>;

/**
 * Compares the dashboards a second of one API process with those of one process of a reference.
 * @param startOther starts the reference and all it needs
 * @param startOurs starts the API; in production mode by default
 */
function readAgainst(line: Omit<Line, 'unit'>, startOther: Start, startOurs?: Start): Figure {
  return {
    name: line.name,
    lines: [{ ...line, unit: 'requests/s' }],
    async measure(bench, note) {
      const given = await bench.shared(dashboards);
      const { load } = given;
      const api = (await startOurs?.(bench, given)) ?? given.api;
      const other = await startOther(bench, given);
      const seconds = bench.size(10, 2);
      await requireSameAnswers(given, api, other);
      // Code is compiled and at full speed before the first round.
      for (const server of [api, other]) await load.throughput(server, seconds);
      for (let round = 1; round <= bench.rounds; round++) {
        const both = await takeTurns(
          round,
          () => load.throughput(api, seconds),
          () => load.throughput(other, seconds),
        );
        note(line.name, {
          ours: both.ours.perSecond,
          other: both.other.perSecond,
          oursCores: both.ours.cores,
          otherCores: both.other.cores,
          oursUs: both.ours.us,
          otherUs: both.other.us,
        });
      }
      await other.stop();
      if (api !== given.api) await api.stop();
    },
  };
}

/** A reference must do the same work, so it must give the same answer. The end of the range is now, and differs. */
async function requireSameAnswers({ keys }: Dashboards, api: NodeProcess, other: NodeProcess): Promise<void> {
  const [one, two] = await Promise.all(
    [api, other].map(async ({ url }) => {
      const answer = await fetch(`${url}/analytics/dashboard`, {
        headers: { authorization: `Bearer ${keys[0]}` },
      });
      return (await answer.text()).replace(/"end_date":"[^"]*"/, '');
    }),
  );
  if (one !== two) throw new Error(`the reference answered ${two}, but the API answered ${one}`);
}

/** @param name a file of `references/` */
export function startReference(
  bench: Bench,
  name: string,
  env: Record<string, string>,
): Promise<NodeProcess> {
  const main = fileURLToPath(new URL(`../references/${name}.js`, import.meta.url));
  return NodeProcess.start(bench, main, env);
}

export const readBare = readAgainst(
  {
    name: 'read-bare',
    atLeast: 0.8,
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
);

export const readLimit = readAgainst(
  {
    name: 'read-limit',
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
  (bench, { reference }) => startReference(bench, 'limit', { REFERENCE: reference }),
);

export const readQuiet = readAgainst(
  {
    name: 'read-quiet',
  },
  (bench, { reference }) => startReference(bench, 'bare', { REFERENCE: reference }),
  async (bench, { world, load }) => {
    const api = await NodeProcess.start(bench, API, { ...world.environment, LOG_LEVEL: 'warn' });
    await load.everyKeyOnce(api);
    return api;
  },
);

export const readGet = readAgainst(
  {
    name: 'read-get',
  },
  async (bench, { keys, reference }) => {
    const { address } = await freshRedis(bench);
    const redis = new Redis(address);
    bench.atEnd(() => redis.disconnect());
    await inParallel(keys, { size: 1_000, atOnce: 1 }, (piece) =>
      redis.mset(piece.flatMap((key) => [`dashboard:${key}`, '{"calls":10}'])),
    );
    return startReference(bench, 'get', { REFERENCE: reference, REDIS_URL: address });
  },
);

const INSERT = 'insert into rollup select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])';

export const readPostgres = readAgainst(
  {
    name: 'read-postgres',
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

/** The same calls as in the world. Each user's calls are on separate days, so each call has its own row. */
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
