import {
  dashboardData,
  dashboardWindows,
  parseDateRange,
  previousDashboardData,
  previousRange,
} from '@calltally/domain';
import type { FastifyInstance } from 'fastify';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { DASHBOARD_MESSAGE, DashboardQuery, DashboardSchema } from '../schemas/dashboard.ts';
import { filterOf, listFilters } from '../schemas/filter-parameters.ts';
import { TallyHeaders } from '../tally-headers.ts';

/** `GET /analytics/dashboard`: the figures of the key's user (docs/api.md). */
export async function dashboardRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { reader, cells, reads, clock, metrics } = parts;
  const headers = new TallyHeaders(metrics, '/analytics/dashboard', {
    name: 'calltally_dashboard_answers_total',
    help: 'Dashboards answered, by answer source',
  });

  app.get<{ Querystring: DashboardQuery }>(
    '/analytics/dashboard',
    {
      schema: DashboardSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: [refuseMisspelt(DashboardQuery), listFilters],
    },
    async (request, reply) => {
      const nowMs = clock();
      const range = parseDateRange(request.query, nowMs);
      const previous = request.query.compare && previousRange(request.query, range, nowMs);
      const windows = range.timeZone === undefined ? undefined : dashboardWindows(nowMs, range.timeZone);
      const filter = filterOf(request.query);
      const begunMs = performance.now();
      const reading = await reads.run(() =>
        filter === undefined
          ? reader.read(request.userId, range, nowMs, previous, windows)
          : cells.dashboard(request.userId, range, filter, nowMs, previous, windows),
      );
      headers.write(request, reply, reading, performance.now() - begunMs);
      const data = dashboardData(reading, range);
      if (previous) data.previous = previousDashboardData(reading.previous!, previous);
      return { success: true, message: DASHBOARD_MESSAGE, data };
    },
  );
}
