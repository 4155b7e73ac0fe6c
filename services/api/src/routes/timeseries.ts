import {
  type EffectiveRange,
  parseDateRange,
  previousRange,
  previousSeriesData,
  type SeriesInterval,
  seriesData,
  seriesOf,
  zoneSeriesOf,
} from '@calltally/domain';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../api-error.ts';
import { CSV_TYPE, csvFormatOf, seriesCsv, seriesFileName } from '../csv.ts';
import { refuseMisspelt } from '../misspelt-parameters.ts';
import type { RouteParts } from '../parts.ts';
import { preferredFormat } from '../preferred-format.ts';
import { filterOf, listFilters } from '../schemas/filter-parameters.ts';
import { TIMESERIES_MESSAGE, TimeseriesQuery, TimeseriesSchema } from '../schemas/timeseries.ts';
import { TallyHeaders } from '../tally-headers.ts';
import { addVary } from '../vary.ts';

const NO_COMPARED_CSV =
  'compare=previous is for JSON: a CSV has the buckets of one range. Add format=json, or leave compare out and ask for each range by its dates.';

/** `GET /analytics/timeseries`: figures of the key's user by hour, day, week or month, as JSON or CSV (docs/api.md). */
export async function timeseriesRoutes(app: FastifyInstance, parts: RouteParts): Promise<void> {
  const { series: reader, cells, reads, clock, metrics } = parts;
  const headers = new TallyHeaders(metrics, '/analytics/timeseries', {
    name: 'calltally_timeseries_answers_total',
    help: 'Time series answered, by answer source',
  });

  app.get<{ Querystring: TimeseriesQuery }>(
    '/analytics/timeseries',
    {
      schema: TimeseriesSchema,
      onRequest: [app.requireReader, ...app.userLimit],
      preValidation: [refuseMisspelt(TimeseriesQuery), listFilters],
      compress: {},
    },
    async (request, reply) => {
      const nowMs = clock();
      const range = parseDateRange(request.query, nowMs);
      const { interval = 'day', compare } = request.query;
      const { timeZone } = range;
      const series = bucketsOf(range, interval, timeZone);
      const format = preferredFormat(request);
      if (compare && format === 'csv') throw new ApiError('INVALID_PARAMETER', { message: NO_COMPARED_CSV });
      const before = compare && previousRange(request.query, range, nowMs);
      const previous = before && { range: before, series: bucketsOf(before, interval, timeZone) };
      const filter = filterOf(request.query);
      const csvFormat = csvFormatOf(request.query);
      const begunMs = performance.now();
      const reading = await reads.run(() =>
        filter === undefined
          ? reader.read(request.userId, range, series, nowMs, previous)
          : cells.series(request.userId, range, series, filter, nowMs, previous),
      );
      headers.write(request, reply, reading, performance.now() - begunMs);
      // In lower case, as @fastify/compress looks for it.
      addVary(reply, 'Accept, accept-encoding');
      const data = seriesData(series, reading.tallies, range);
      if (previous) {
        data.previous = previousSeriesData(previous.series, reading.previous!, previous.range);
      }
      if (format === 'json') return { success: true, message: TIMESERIES_MESSAGE, data };
      reply.type(CSV_TYPE).header('content-disposition', `attachment; filename="${seriesFileName(data)}"`);
      return seriesCsv(data, csvFormat);
    },
  );
}

/** Counters have sums of UTC days, weeks and months alone. */
function bucketsOf(range: EffectiveRange, interval: SeriesInterval, timeZone = 'UTC') {
  if (timeZone === 'UTC' && interval !== 'hour') return seriesOf(range, interval);
  return zoneSeriesOf(range, interval, timeZone);
}
