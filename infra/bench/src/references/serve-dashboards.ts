import { readFileSync } from 'node:fs';
import { type DashboardTallies, type DateRangeInput, dashboardData, parseDateRange } from '@calltally/domain';
import { type Asked, askedFor } from './asked.ts';
import { keyOf, serve } from './serve.ts';

const userIds: Record<string, string> = JSON.parse(readFileSync(process.env.USERS!, 'utf8'));

/** Dashboards of whoever asks and any range, from sums that are asked for at each request; no key is checked. */
export async function serveDashboards(sumsOf: (asked: Asked) => Promise<DashboardTallies>): Promise<void> {
  await serve(async (request) => {
    const nowMs = Date.now();
    const range = parseDateRange(request.query as DateRangeInput, nowMs);
    const tallies = await sumsOf(askedFor(userIds[keyOf(request)]!, range, nowMs));
    return {
      success: true,
      message: 'Dashboard analytics fetched successfully',
      data: dashboardData(tallies, range),
    };
  });
}
