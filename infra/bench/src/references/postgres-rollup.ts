import { dayOf, type Range } from '@calltally/domain';
import { Pool } from 'pg';
import { serveDashboards } from './serve.ts';

/** Computes every sum of the dashboard from one index range. */
const SUMS = {
  name: 'dashboard',
  text: `select
    coalesce(sum(calls) filter (where day between $4 and $5), 0)::float8 as calls,
    coalesce(sum(duration_ms) filter (where day between $4 and $5), 0)::float8 as duration_ms,
    coalesce(sum(calls) filter (where day between $6 and $7), 0)::float8 as today,
    coalesce(sum(calls) filter (where day between $8 and $9), 0)::float8 as this_week,
    coalesce(sum(calls) filter (where day between $10 and $11), 0)::float8 as this_month
    from rollup where user_id = $1 and day between $2 and $3`,
};

const pool = new Pool({ connectionString: process.env.POSTGRES_URL });

await serveDashboards(async ({ userId, all, range, today, thisWeek, thisMonth }) => {
  const days = [all, range, today, thisWeek, thisMonth].flatMap(firstAndLastDay);
  const { rows } = await pool.query({ ...SUMS, values: [userId, ...days] });
  const [sums] = rows;
  return {
    range: { calls: sums.calls, durationMs: sums.duration_ms },
    today: sums.today,
    thisWeek: sums.this_week,
    thisMonth: sums.this_month,
  };
});

/** Ranges here are whole days, except those that end now. */
function firstAndLastDay({ from, until }: Range): [number, number] {
  return [dayOf(from), dayOf(until - 1)];
}
