import { INTERVALS, seriesBucketsMax } from '@calltally/domain';
import Type, { type Static } from 'typebox';
import { DECIMALS, SEPARATORS } from '../csv.ts';
import { ErrorResponses } from './error-responses.ts';
import { count, DateRange, decimals, rangeParameters, tallyHeaders } from './tallies.ts';

export const TimeseriesQuery = Type.Object({
  interval: Type.Optional(
    Type.Enum([...INTERVALS], {
      description:
        'What a bucket is: a UTC day, an ISO week (from Monday, UTC) or a calendar month (UTC). Default: day. ' +
        `A range that gives more than ${seriesBucketsMax} buckets is refused.`,
    }),
  ),
  ...rangeParameters,
  format: Type.Optional(
    Type.Enum(['json', 'csv'], {
      description: 'Goes before `Accept`. Default: what `Accept` prefers, else json.',
    }),
  ),
  separator: Type.Optional(
    Type.Enum(Object.keys(SEPARATORS) as (keyof typeof SEPARATORS)[], {
      description:
        'What stands between the cells of a CSV. Default: comma, and semicolon where `decimal` is comma.',
    }),
  ),
  decimal: Type.Optional(
    Type.Enum(Object.keys(DECIMALS) as (keyof typeof DECIMALS)[], {
      description: 'The decimal sign of a CSV. Default: point. A comma cannot be both, sign and separator.',
    }),
  ),
});
export type TimeseriesQuery = Static<typeof TimeseriesQuery>;

const Bucket = Type.Object({
  start: Type.String({
    format: 'date',
    description: 'first UTC day of the day, week or month, also where the range begins within it',
  }),
  calls: count('calls that started in the bucket and in the range'),
  duration_ms: count('how long they were together: the exact sum in milliseconds'),
  duration_minutes: decimals('the same in minutes, 2 decimals, half up'),
  avg_duration_minutes: decimals('duration_minutes / calls, 2 decimals; 0 with no calls'),
});

export const TIMESERIES_MESSAGE = 'Time series fetched successfully';

const TimeseriesResponse = Type.Object({
  success: Type.Literal(true),
  message: Type.Literal(TIMESERIES_MESSAGE),
  data: Type.Object({
    interval: Type.Enum([...INTERVALS]),
    buckets: Type.Array(Bucket, {
      maxItems: seriesBucketsMax,
      description: 'every one that the range touches, in order of time, also without calls',
    }),
    date_range: DateRange,
  }),
});

const CsvResponse = Type.String({
  description: 'The same buckets by RFC 4180, a line each behind a line with the names of the fields.',
});

export const TimeseriesSchema = {
  operationId: 'getTimeseries',
  summary: 'How many calls, and how long, by day, week or month',
  description:
    "Figures of the API key's user for each bucket of a range; together they are those of the dashboard for the same " +
    'range. Costs the same however many calls there are.',
  tags: ['analytics'],
  security: [{ apiKey: [] }],
  querystring: TimeseriesQuery,
  response: {
    200: {
      description: 'The figures, exact as of X-Tally-As-Of.',
      headers: { ...tallyHeaders, Vary: { type: 'string', description: '`Accept, accept-encoding`' } },
      content: { 'application/json': { schema: TimeseriesResponse }, 'text/csv': { schema: CsvResponse } },
    },
    ...ErrorResponses,
  },
};
