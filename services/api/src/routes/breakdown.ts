import { breakdownData, type Dimension, parseDateRange } from '@calltally/domain';
import type { FastifyInstance } from 'fastify';
import { breakdownCsv, breakdownFileName, CSV_TYPE, csvFormatOf } from '../csv.ts';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { JSON_TYPE, preferredFormat } from '../preferred-format.ts';
import { BREAKDOWN_MESSAGE, BreakdownQuery, BreakdownSchema } from '../schemas/breakdown.ts';
import { filterOf, listFilters } from '../schemas/filter-parameters.ts';
import { TallyHeaders } from '../tally-headers.ts';
import { addVary } from '../vary.ts';

/** `GET /analytics/breakdown`: figures of the key's user by agent, direction or status, as JSON or CSV (docs/api.md). */
export async function breakdownRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { cells, reads, clock, metrics } = parts;
  const headers = new TallyHeaders(metrics, '/analytics/breakdown', {
    name: 'calltally_breakdown_answers_total',
    help: 'Breakdowns answered, by answer source',
  });

  app.get<{ Querystring: BreakdownQuery }>(
    '/analytics/breakdown',
    {
      schema: BreakdownSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: [refuseMisspelt(BreakdownQuery), listFilters],
      compress: {},
    },
    async (request, reply) => {
      const nowMs = clock();
      const { order = 'calls', limit } = request.query;
      const by = request.query.by.split(',') as Dimension[];
      const range = parseDateRange(request.query, nowMs);
      const filter = filterOf(request.query) ?? {};
      const csvFormat = csvFormatOf(request.query);
      const begunMs = performance.now();
      const reading = await reads.run(() => cells.breakdown(request.userId, range, by, filter, nowMs));
      headers.write(request, reply, reading, performance.now() - begunMs);
      // In lower case, as @fastify/compress looks for it.
      addVary(reply, 'Accept, accept-encoding');
      const options = { order, ...(limit !== undefined && { limit: Number(limit) }) };
      const data = breakdownData(by, reading.groups, range, options);
      if (preferredFormat(request) === 'json') {
        // Not by the schema's serializer: it would write labels last, because a group has only those of `by`.
        reply.type(JSON_TYPE).serializer(JSON.stringify);
        return { success: true, message: BREAKDOWN_MESSAGE, data };
      }
      reply.type(CSV_TYPE).header('content-disposition', `attachment; filename="${breakdownFileName(data)}"`);
      return breakdownCsv(data, csvFormat);
    },
  );
}
