import {
  type DashboardTallies,
  dashboardData,
  dashboardWindows,
  dayOf,
  defaultRange,
} from '@calltally/domain';
import { Pool } from 'pg';
import { keyOf, serve } from './serve.ts';

/** Every sum of the dashboard from one stretch of the index; week and month never begin before the window. */
const SUMS = {
  name: 'dashboard',
  text: `select
    coalesce(sum(calls), 0)::float8 as calls,
    coalesce(sum(duration_ms), 0)::float8 as duration_ms,
    coalesce(sum(calls) filter (where day >= $3), 0)::float8 as today,
    coalesce(sum(calls) filter (where day >= $4), 0)::float8 as this_week,
    coalesce(sum(calls) filter (where day >= $5), 0)::float8 as this_month
    from rollup where user_key = $1 and day between $2 and $3`,
};

const pool = new Pool({ connectionString: process.env.POSTGRES_URL });

await serve(async (request) => {
  const nowMs = Date.now();
  const range = defaultRange(nowMs);
  const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
  const days = [range, today, thisWeek, thisMonth].map(({ from }) => dayOf(from));
  const { rows } = await pool.query({ ...SUMS, values: [keyOf(request), ...days] });
  const [sums] = rows;
  const tallies: DashboardTallies = {
    range: { calls: sums.calls, durationMs: sums.duration_ms },
    today: sums.today,
    thisWeek: sums.this_week,
    thisMonth: sums.this_month,
  };
  return {
    success: true,
    message: 'Dashboard analytics fetched successfully',
    data: dashboardData(tallies, range),
  };
});
