import { durationsData, parseDateRange } from '@calltally/domain';
import type { FastifyInstance } from 'fastify';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { DURATIONS_MESSAGE, DurationsQuery, DurationsSchema } from '../schemas/durations.ts';
import { filterOf, listFilters } from '../schemas/filter-parameters.ts';
import { TallyHeaders } from '../tally-headers.ts';

/** `GET /analytics/durations`: how long the calls of the key's user took (docs/api.md). */
export async function durationsRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { durations, reads, clock, metrics } = parts;
  const headers = new TallyHeaders(metrics, '/analytics/durations', {
    name: 'calltally_durations_answers_total',
    help: 'Durations answered, by answer source',
  });

  app.get<{ Querystring: DurationsQuery }>(
    '/analytics/durations',
    {
      schema: DurationsSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: [refuseMisspelt(DurationsQuery), listFilters],
    },
    async (request, reply) => {
      const nowMs = clock();
      const range = parseDateRange(request.query, nowMs);
      const filter = filterOf(request.query) ?? {};
      const begunMs = performance.now();
      const reading = await reads.run(() => durations.read(request.userId, range, filter, nowMs));
      headers.write(request, reply, reading, performance.now() - begunMs);
      return { success: true, message: DURATIONS_MESSAGE, data: durationsData(reading, range) };
    },
  );
}
