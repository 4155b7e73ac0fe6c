import { parseDateRange, seriesData, seriesOf } from '@calltally/domain';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { CSV_TYPE, csvFileName, csvFormatOf, csvOf } from '../csv.ts';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { TIMESERIES_MESSAGE, TimeseriesQuery, TimeseriesSchema } from '../schemas/timeseries.ts';
import { TallyHeaders } from '../tally-headers.ts';
import { addVary } from '../vary.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** `GET /analytics/timeseries`: figures of the key's user by day, week or month, as JSON or CSV (docs/api.md). */
export async function timeseriesRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { series: reader, reads, clock, metrics } = parts;
  const headers = new TallyHeaders(metrics, {
    name: 'calltally_timeseries_answers_total',
    help: 'Time series answered, by answer source',
  });

  app.get<{ Querystring: TimeseriesQuery }>(
    '/analytics/timeseries',
    {
      schema: TimeseriesSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: refuseMisspelt(TimeseriesQuery),
      compress: {},
    },
    async (request, reply) => {
      const nowMs = clock();
      const range = parseDateRange(request.query, nowMs);
      const series = seriesOf(range, request.query.interval ?? 'day');
      const csvFormat = csvFormatOf(request.query);
      const begunMs = performance.now();
      const reading = await reads.run(() => reader.read(request.userId, range, series, nowMs));
      headers.write(request, reply, reading, performance.now() - begunMs);
      // In lower case, as @fastify/compress looks for it.
      addVary(reply, 'Accept, accept-encoding');
      const data = seriesData(series, reading.tallies, range);
      if (formatOf(request) === 'json') return { success: true, message: TIMESERIES_MESSAGE, data };
      reply.type(CSV_TYPE).header('content-disposition', `attachment; filename="${csvFileName(data)}"`);
      return csvOf(data, csvFormat);
    },
  );
}

/** The format that the client prefers; JSON if it has no preference or accepts neither. */
function formatOf({ query, headers }: FastifyRequest<{ Querystring: TimeseriesQuery }>): 'json' | 'csv' {
  if (query.format !== undefined) return query.format;
  return new Negotiator({ headers }).mediaType([JSON_TYPE, CSV_TYPE]) === CSV_TYPE ? 'csv' : 'json';
}
