import type { Range } from '@calltally/domain';
import { Pool } from 'pg';
import { serveDashboards } from './serve.ts';

/** Computes every sum of the dashboard in one scan of an index range. */
const SUMS = {
  name: 'dashboard',
  text: `select
    count(*) filter (where started_at >= $4 and started_at < $5) as calls,
    coalesce(sum(duration_ms) filter (where started_at >= $4 and started_at < $5), 0) as duration_ms,
    count(*) filter (where started_at >= $6 and started_at < $7) as today,
    count(*) filter (where started_at >= $8 and started_at < $9) as this_week,
    count(*) filter (where started_at >= $10 and started_at < $11) as this_month
    from calls where user_id = $1 and started_at >= $2 and started_at < $3`,
};

const pool = new Pool({
  connectionString: process.env.POSTGRES_URL,
  // A generic plan for users of every size would have no parallel workers for the large ones.
  options: '-c plan_cache_mode=force_custom_plan',
});

await serveDashboards(async ({ userId, all, range, today, thisWeek, thisMonth }) => {
  const instants = [all, range, today, thisWeek, thisMonth].flatMap(fromAndUntil);
  const { rows } = await pool.query({ ...SUMS, values: [userId, ...instants] });
  const [sums] = rows;
  return {
    range: { calls: Number(sums.calls), durationMs: Number(sums.duration_ms) },
    today: Number(sums.today),
    thisWeek: Number(sums.this_week),
    thisMonth: Number(sums.this_month),
  };
});

function fromAndUntil({ from, until }: Range): [string, string] {
  return [new Date(from).toISOString(), new Date(until).toISOString()];
}
