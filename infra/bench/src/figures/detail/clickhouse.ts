import type { Call } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { ClickHouse } from '../../clickhouse/clickhouse.ts';
import { inParallel } from '../../in-parallel.ts';
import { type Asked, USER } from './ask.ts';

/** In the order of the questions. Labels have a dictionary, as there are few. */
const TABLE = `create table calls (
    call_id String, user_id String, started_at DateTime64(3, 'UTC'), duration_ms Int64,
    agent_id LowCardinality(Nullable(String)), direction LowCardinality(Nullable(String)),
    status LowCardinality(Nullable(String))
  ) engine MergeTree order by (user_id, started_at)`;

/** The rows, merged into one part. */
export async function fillClickHouse(bench: Bench, calls: readonly Call[]): Promise<ClickHouse> {
  const server = await ClickHouse.start(bench);
  await server.query(TABLE);
  await inParallel(calls, { size: 10_000, atOnce: 1 }, (piece) => {
    const rows = piece.map(({ callId, userId, startedAt, durationMs, agentId, direction, status }) =>
      JSON.stringify({
        call_id: callId,
        user_id: userId,
        started_at: (startedAt / 1_000).toFixed(3),
        duration_ms: durationMs,
        agent_id: agentId,
        direction,
        status,
      }),
    );
    return server.query(`insert into calls format JSONEachRow ${rows.join(' ')}`);
  });
  await server.query('optimize table calls final');
  return server;
}

export async function askClickHouse(server: ClickHouse, { from, until, agent }: Asked) {
  const filter = agent === undefined ? '' : ` and agent_id = '${agent}'`;
  const rows = await server.query<{ agent_id: string; calls: number }>(`
    select agent_id, count() as calls, sum(duration_ms) as duration_ms from calls
    where user_id = '${USER}' and started_at >= fromUnixTimestamp64Milli(${from})
      and started_at < fromUnixTimestamp64Milli(${until})${filter}
    group by agent_id`);
  return new Map(rows.map((row) => [row.agent_id, Number(row.calls)]));
}
